import pytest

from linkage_rl.text.urls import canonical_domains, canonical_urls, split_urls


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("https://www.nta.go.jp/taxes/", "nta.go.jp"),
        ("HTTP://WWW.Example.CO.JP", "example.co.jp"),
        ("www.example.co.jp", "example.co.jp"),
        ("example.co.jp.", "example.co.jp"),
        ("ｈｔｔｐ：／／ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("http:/example.com", "example.com"),
        ("https;//example.com", "example.com"),
        ("//cdn.example.com/x", "example.com"),
        ("example.com:8080/path?x=1#y", "example.com"),
        ("https://user:pass@host.example.org/", "example.org"),
        ("ftp://files.example.net", "example.net"),
        ("info@shop.example.co.jp", "example.co.jp"),
        ("mailto:info@example.co.jp", "example.co.jp"),
        ("Taro <taro@example.ne.jp>", "example.ne.jp"),
        ("https://www.example.co.jp, https://b.jp", "example.co.jp"),
        ("https://日本語.jp/", "xn--wgv71a119e.jp"),
        ("https://xn--wgv71a119e.jp", "xn--wgv71a119e.jp"),
        ("https://www.city.yokohama.lg.jp/", "yokohama.lg.jp"),
        ("https://shop.example.tokyo", "example.tokyo"),
        ("https://yamada.github.io/about", "yamada.github.io"),
        ("http://192.168.0.1:80/", ""),
        ("[::1]", ""),
        ("localhost", ""),
        ("co.jp", ""),
        ("なし", ""),
        ("", ""),
    ],
)
def test_a_url_or_an_address_is_its_registered_domain_or_nothing(written: str, domain: str) -> None:
    assert canonical_domains([written]) == [domain]


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("info[at]example[dot]jp", "example.jp"),
        ("info★example.jp", "example.jp"),
        ("sales at example dot com", "example.com"),
        ("HP→www.example.jp", "example.jp"),
        ('<a href="http://shop.example.jp/">店</a>', "example.jp"),
        ("https//example.jp/", "example.jp"),
        ("http:// www . example . jp", "example.jp"),
        ("www.example.co,jp", "example.co.jp"),
        ("example.cojp", "example.co.jp"),
        ("メール：taro.tokyo@example.jp", "example.jp"),
        ("ＵＲＬ：日本語.jp", "xn--wgv71a119e.jp"),
        ("https://www.instagram.com/example", ""),
        ("yamada@docomo.ne.jp", ""),
        ("準備中", ""),
    ],
)
def test_a_host_is_found_behind_labels_markup_and_slips(written: str, domain: str) -> None:
    assert canonical_domains([written]) == [domain]


@pytest.mark.parametrize("between", ["|", "｜", ", ", "; ", " / ", "\n", "、"])
def test_all_urls_of_a_text_are_found_and_none_is_made_of_two(between: str) -> None:
    text = between.join(["https://a.example.co.jp/x", "b.co.jp"])

    assert split_urls([text]) == [(("example.co.jp", "a/x"), ("b.co.jp", ""))]
    assert canonical_urls([text]) == (["example.co.jp"], ["a/x"])


def test_a_url_without_a_domain_does_not_hide_one_after_it() -> None:
    assert canonical_domains(["yamada@gmail.com|b.co.jp", "なし / b.co.jp"]) == ["b.co.jp"] * 2
