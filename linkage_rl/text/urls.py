"""Registered domains of URLs and e-mail addresses."""

import re
from collections.abc import Sequence
from typing import Final

import tldextract

from linkage_rl.text.memory import Remembered
from linkage_rl.text.normalise import MAX_CHARS, fold

_BUILDERS: Final = (
    "jimdo.com jimdofree.com amebaownd.com shopinfo.jp goope.jp crayonsite.com crayonsite.net"
    " crayonsite.info webnode.jp studio.site business.site thebase.in stores.jp owst.jp fc2.com"
    " web.fc2.com sakura.ne.jp livedoor.blog wixsite.com localinfo.jp themedia.jp storeinfo.jp"
)
"""Site builders that give each customer a subdomain, and are not in the list."""
_EXTRACT: Final = tldextract.TLDExtract(
    cache_dir=None,
    suffix_list_urls=(),
    fallback_to_snapshot=True,
    include_psl_private_domains=True,
    extra_suffixes=_BUILDERS.split(),
)
"""The public suffix list bundled with tldextract: no network, nothing written. Its private part is
used, too, since the customers of one web host (github.io) are different companies."""
_SCHEME: Final = re.compile("^[a-z]{3,6}://|^(?:https?|ftp)[:;]/*|^mailto:|^/+")
_HOST: Final = re.compile("^(?:[^/?#@]*@)?([^/?#:@ ,;]+)")
_BETWEEN: Final = re.compile(" ?[|] ?|[;,] | / | (?=https?:)")
"""What stands between several URLs in one text."""
_HOST_ONLY: Final = re.compile(r"[\w.-]+")

_AT: Final = re.compile(r" ?(?:\( ?(?:a|at|@|アットマーク|アット|あっと) ?\)|<at>|[★☆●◎]| at ) ?")
_DOT: Final = re.compile(
    r" ?(?:\( ?(?:dot|\.|ドット) ?\)|<dot>| dot ) ?|(?<=[a-z0-9]) ?\. ?(?=[a-z0-9])"
)
_COMMA: Final = re.compile("(?<=[a-z0-9]),(?=[a-z0-9])")
_COMMA_SUFFIX: Final = re.compile(
    "(?<=[a-z0-9]),(?=(?:co|or|ne|ac|go|ed|gr|lg|jp|com|net|org)(?![a-z0-9-]))"
)
_JOINED_SUFFIX: Final = re.compile(r"\.(co|or|ne|ac|go|ed|gr|lg)jp(?![a-z0-9])")
_TOKEN: Final = re.compile(r"(?<![\w.-])[\w-]+(?:\.[\w-]+)+(?![\w.-]*@)")
_ASCII_TOKEN: Final = re.compile(
    r"(?<![a-z0-9.-])[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+(?![a-z0-9._+-]*@)"
)

_SHARED: Final = (
    "gmail.com googlemail.com yahoo.co.jp yahoo.com ymail.ne.jp hotmail.com hotmail.co.jp live.jp"
    " outlook.com outlook.jp icloud.com me.com docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp"
    " i.softbank.jp facebook.com fb.com instagram.com twitter.com x.com t.co youtube.com youtu.be"
    " linkedin.com tiktok.com line.me lin.ee note.com ameblo.jp tabelog.com"
    " hotpepper.jp gnavi.co.jp ekiten.jp google.com goo.gl g.page bit.ly linktr.ee"
    " ocn.ne.jp biglobe.ne.jp nifty.com so-net.ne.jp plala.or.jp dion.ne.jp eonet.ne.jp yahoo.ne.jp"
)
SHARED_HOSTS: Final = frozenset(_SHARED.split())
"""Mail providers, social networks and portals: their domain says nothing about the company."""


def canonical_domains(texts: Sequence[str]) -> list[str]:
    """Registered domain, lower case, international names in punycode; '' where there is none.

    Neither an IP address nor a bare word has a registered domain, and a mail provider or portal
    that anyone may use (gmail.com, facebook.com) is not the company's own.

    >>> canonical_domains(["https://www.nta.go.jp:443/taxes", "info@shop.example.co.jp"])
    ['nta.go.jp', 'example.co.jp']
    >>> canonical_domains(["HP：www.example.co.jp", "info(at)example.jp", "yamada@gmail.com"])
    ['example.co.jp', 'example.jp', '']
    """
    return canonical_urls(texts)[0]


def canonical_urls(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Domains as `canonical_domains` gives them, and pages: what is a record's own at a domain.

    A page is the subdomain and path of a URL, or a mailbox; '' for a home page or no domain. Of
    several URLs in a text the first with a domain counts; `split_urls` gives all of them.

    >>> canonical_urls(["https://hotel.example.jp/umi/", "yamada@example.jp", "www.example.jp"])[1]
    ['hotel/umi', 'yamada@', '']
    """
    if not any(texts):
        return [""] * len(texts), [""] * len(texts)
    first = [found[0] if found else ("", "") for found in split_urls(texts)]
    return [domain for domain, _ in first], [page for _, page in first]


def split_urls(texts: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """All URLs in each text as `canonical_urls` writes them: domain and page, each pair once.

    Those with a domain come first. Several are separated by |, a comma, a slash with blanks, a
    semicolon or a line break.

    >>> split_urls(["https://a.example.jp|https://b.co.jp/x", "b.co.jp", ""])
    [(('example.jp', 'a'), ('b.co.jp', 'x')), (('b.co.jp', ''),), ()]
    """
    if not any(texts):
        return [()] * len(texts)
    if any(mark in "\0".join(texts) for mark in "\n、"):
        # before folding, which makes a blank and a comma of them
        texts = [re.sub("[\n、]", "|", text[:MAX_CHARS]) for text in texts]
    return [_REMEMBERED[text] if text else () for text in fold(texts)]


def _urls(text: str) -> tuple[tuple[str, str], ...]:
    parts = list(filter(None, (one.strip(" ,;|") for one in _BETWEEN.split(text))))
    # a separator may be a slip inside of one URL
    for some in (parts, [text]) if len(parts) > 1 else ([text],):
        found = dict.fromkeys((_canonical_domain(one), _canonical_page(one)) for one in some)
        found.pop(("", ""), None)
        if found:
            return tuple(sorted(found, key=lambda url: not url[0]))
    return ()


_REMEMBERED: Final = Remembered(_urls)


def _canonical_domain(text: str) -> str:
    if "," in text:
        text = _COMMA_SUFFIX.sub(".", text)
    found = _HOST.match(_SCHEME.sub("", text.strip(" <>()\"'")))
    host = found[1].strip(".") if found else ""
    domain = _registered(host) if _HOST_ONLY.fullmatch(host) else ""
    domain = domain or _found_in(text)
    return "" if domain in SHARED_HOSTS else domain


def _split_host(host: str) -> tuple[str, str]:
    """Registered domain and subdomain of a host."""
    parts = _EXTRACT(host)
    return parts.top_domain_under_public_suffix, parts.subdomain


_SPLIT_HOSTS: Final = Remembered(_split_host)


def _registered(host: str) -> str:
    domain = _SPLIT_HOSTS[host][0] if host else ""
    try:
        return domain.encode("idna").decode("ascii") if domain else ""
    except UnicodeError:
        return ""


def _found_in(text: str) -> str:
    """The domain of the first host in a text with labels, markup or typing slips; '' if none."""
    text = _DOT.sub(".", _AT.sub("@", text))
    for repaired in (text, _COMMA.sub(".", text)):
        repaired = _JOINED_SUFFIX.sub(r".\1.jp", repaired)
        for token in (_ASCII_TOKEN, _TOKEN):
            for host in token.findall(repaired):
                if domain := _registered(host.strip(".-")):
                    return domain
    return ""


_MAILBOX: Final = re.compile("^([^/?#@ ]+)@")
_WEB_SERVER: Final = re.compile(r"(?:^|\.)www[0-9]*$")
_HOME_PAGE: Final = re.compile(r"(?:^|/)(?:index|default|top|home)\.[a-z]{3,5}$")


def _canonical_page(text: str) -> str:
    bare = _SCHEME.sub("", text.strip(" <>()\"'"))
    host = _HOST.match(bare)
    domain, subdomain = _SPLIT_HOSTS[host[1].strip(".")] if host else ("", "")
    if not host or not domain:
        return ""
    if mailbox := _MAILBOX.match(bare):
        return mailbox[0]
    path = re.split("[?# ]", bare[host.end() :].lstrip(":0123456789"), maxsplit=1)[0].strip("/")
    below = (_WEB_SERVER.sub("", subdomain), _HOME_PAGE.sub("", path).strip("/"))
    return "/".join(filter(None, below))
