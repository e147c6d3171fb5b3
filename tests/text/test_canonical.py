from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage_rl.records import FIELDS, CanonicalBatch, RecordBatch
from linkage_rl.text.canonical import canonicalise
from linkage_rl.text.legal_forms import LEGAL_FORMS

company_text = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf"]),
        st.sampled_from(
            "株式会社(有)㈱・山田支店代表１２丁目番地号のー－－市区町村都京入上るＡｂ①②\n @.:/+"
        ),
    ),
    max_size=30,
)


def rows_of(batch: CanonicalBatch) -> list[tuple[object, ...]]:
    columns = [list(getattr(batch, field.name)) for field in fields(batch)]
    return list(zip(*columns, strict=True))


def test_a_company_is_canonical_in_every_field() -> None:
    company = {
        "name": "㈱髙島屋　ＪＦＥ",
        "name_kana": "カブシキガイシャ タカシマヤ",
        "name_en": "Takashimaya Co., Ltd.",
        "postal_code": "〒542-8510",
        "prefecture": "大阪府",
        "city": "大阪市中央区",
        "street": "難波五丁目１番５号 本館７階",
        "phone": "(06) 6631-1101",
        "url": "https://www.takashimaya.co.jp/osaka",
        "corporate_number": "7000012050002",
        "former_names": "(株)髙島屋飯田呉服店|高島屋飯田呉服店㈲||飯田　新七",
    }

    one = canonicalise(RecordBatch(["1"], {field: [text] for field, text in company.items()}))

    assert (one.name, one.core, one.stem) == (
        ["株式会社髙島屋jfe"],
        ["高島屋jfe"],
        ["高島屋jfe"],
    )
    assert LEGAL_FORMS[one.legal_form[0] - 1] == "株式会社"
    assert (one.kana, one.latin) == (["タカシマヤ"], ["takashimaya"])
    assert (one.prefecture.tolist(), one.city, one.town) == ([27], ["大阪市中央区"], ["難波"])
    assert (one.block, one.building) == (["5-1-5"], ["本館7f"])
    assert (one.postal_code, one.phone) == (["5428510"], ["0666311101"])
    assert (one.domain, one.corporate_number) == (["takashimaya.co.jp"], ["7000012050002"])
    assert one.former_cores == [("高島屋飯田呉服店", "飯田新七")]


def test_a_missing_reading_comes_from_a_kana_name_or_an_acronym() -> None:
    names = ["株式会社トヨタ", "ジェイエフイー㈱", "ＪＦＥ㈱", "株式会社山田"]

    kana = canonicalise(RecordBatch(list("1234"), {"name": names})).kana

    assert kana == ["トヨタ", "ジエイエフイ", "ジエイエフイ", ""]


def test_absent_fields_are_empty_and_integers_are_small() -> None:
    one = canonicalise(RecordBatch(["1"], {"name": ["山田"]}))

    assert (one.city, one.phone, one.domain, one.postal_code) == ([""], [""], [""], [""])
    assert one.legal_form.dtype == one.legal_side.dtype == one.prefecture.dtype == np.int8


def test_an_empty_batch_has_no_rows() -> None:
    assert len(canonicalise(RecordBatch([], {}))) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[company_text] * len(FIELDS)), min_size=1, max_size=4))
def test_any_text_reads_the_same_in_a_batch_and_never_raises(
    rows: list[tuple[str, ...]],
) -> None:
    ids = [str(row) for row in range(len(rows))]
    records = RecordBatch(ids, dict(zip(FIELDS, zip(*rows, strict=True), strict=True)))

    together = rows_of(canonicalise(records))
    alone = [rows_of(canonicalise(records.take([row])))[0] for row in range(len(rows))]

    assert together == alone
    assert all("\n" not in text for row in together for text in row if isinstance(text, str))


@settings(max_examples=100, deadline=None)
@given(company_text)
def test_a_name_with_letters_keeps_a_core_and_a_stem(name: str) -> None:
    one = canonicalise(RecordBatch(["1"], {"name": [name]}))

    assert bool(one.name[0]) == bool(one.core[0]) == bool(one.stem[0])


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 10_000,
        "・" * 10_000,
        "株式会社" * 2_500,
        "一" * 10_000,
        "1-" * 5_000,
        "上る" * 5_000,
        " 支店" * 3_000,
        "共同" * 5_000,
        "\ud800" * 10_000,
        "\x00" * 100,
        "\n" * 1_000,
    ],
)
def test_a_hostile_text_in_every_field_does_no_harm(hostile: str) -> None:
    one = canonicalise(RecordBatch(["1"], {field: [hostile] for field in FIELDS}))

    assert len(one) == 1
