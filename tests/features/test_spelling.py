"""Spelling features against rapidfuzz, and the forms of a name that they compare."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel, JaroWinkler, Levenshtein

from linkage_rl.candidates.encode import ROW
from linkage_rl.candidates.narrow import END
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.features import _spelling
from linkage_rl.features.spelling import NAMES
from linkage_rl.text.likeness import LIKENESS, marks, read_alike, without_marks

SCORERS: dict[str, tuple[Callable[..., float], int]] = {
    "core_ratio": (Indel.normalized_similarity, 1),
    "core_jaro_winkler": (JaroWinkler.normalized_similarity, 1),
    "core_partial": (fuzz.partial_ratio, 100),
}
"""Feature to the scorer of rapidfuzz that gives it, and the score of equal texts."""

JAPANESE = "山田商事電機気器第一二十ーあア々の之東西3é\U00020000"


def spelled(
    core: list[str], company_core: list[str], stem: list[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Features of P pairs by name; core, reading and Latin name of each record are one text."""
    pairs = len(core)
    ends, codes = _spelling.code_points((core, stem or core, core, core))
    rows, company = np.zeros(pairs, dtype=ROW), StringColumn.from_texts(company_core)
    rows["doc"] = np.arange(pairs)
    no_ends, no_grams = np.zeros(3 * pairs + 1, dtype=np.uint32), np.zeros(0, dtype=np.int32)
    out = np.zeros((pairs, len(NAMES)), dtype=np.float32)
    own, columns, idf = np.arange(pairs), (company,) * 3, np.ones(1, dtype=np.float32)
    client = (ends, codes, no_ends, no_grams, own)
    _spelling.spell(LIKENESS, *client, rows, own, 0, pairs, columns, no_ends, END, idf, out)
    return dict(zip(NAMES, out.T, strict=True))


def drawn(alphabet: str, longest: int, count: int, seed: int) -> list[str]:
    """Texts of 1 to `longest` of these characters."""
    rng = random.Random(seed)
    return ["".join(rng.choices(alphabet, k=rng.randint(1, longest))) for _ in range(count)]


@pytest.mark.parametrize(
    ("alphabet", "longest", "count"),
    [("ab", 3, 500), ("abc", 12, 3000), (JAPANESE, 15, 3000), ("ab", 140, 300), ("abcde", 300, 60)],
)
class TestRandomTexts:
    def test_have_the_scores_of_rapidfuzz(self, alphabet: str, longest: int, count: int) -> None:
        left, right = (drawn(alphabet, longest, count, seed) for seed in (1, 2))

        features = spelled(left, right)

        for name, (scorer, highest) in SCORERS.items():
            expected = process.cpdist(left, right, scorer=scorer, dtype=np.float32)
            assert np.array_equal(features[name], expected / np.float32(highest)), name
        for name, other in (("kana_ratio", "core_ratio"), ("latin_ratio", "core_ratio")):
            assert np.array_equal(features[name], features[other])
        assert np.array_equal(features["kana_jaro_winkler"], features["core_jaro_winkler"])

    def test_have_the_edits_of_rapidfuzz_as_they_are_read(
        self, alphabet: str, longest: int, count: int
    ) -> None:
        left, right = (drawn(alphabet, longest, count, seed) for seed in (3, 4))

        features = spelled(left, right)

        edits = process.cpdist(
            read_alike(left), read_alike(right), scorer=Levenshtein.distance, dtype=np.float32
        )
        assert np.array_equal(features["core_edits"], 1 / (1 + edits))
        assert np.array_equal(features["read_alike"], edits == 0)

    def test_have_marks_that_differ_or_not(self, alphabet: str, longest: int, count: int) -> None:
        left, right = (drawn(alphabet, longest, count, seed) for seed in (5, 6))

        features = spelled(left, right)

        differ = [one != other for one, other in zip(marks(left), marks(right), strict=True)]
        bare = zip(without_marks(left), without_marks(right), strict=True)
        only = [marked and one == other for marked, (one, other) in zip(differ, bare, strict=True)]
        assert np.array_equal(features["marks_differ"], differ)
        assert np.array_equal(features["only_marks_differ"], only)


def test_a_part_in_the_middle_of_a_longer_name_is_found_from_either_side() -> None:
    name, within = "abcd" * 20, "x" * 70 + "abcd" * 20 + "y" * 90

    features = spelled([name, within, "bc"], [within, name, "xxbcx"])

    assert features["core_partial"].tolist() == [1, 1, 1]


def test_a_lost_character_is_that_of_the_company_at_its_place() -> None:
    core = ["山〓製作所", "山〓製作所", "〓花", "山田〓" * 40]
    company = ["山田製作所", "山製作所", "花", "山田川" * 40]

    features = spelled(core, company)

    assert features["core_ratio"].tolist() == pytest.approx([1, 8 / 9, 2 / 3, 1])
    assert features["read_alike"].tolist() == [1, 0, 0, 1]
    assert features["marks_differ"].tolist() == [0, 1, 1, 0]


def test_what_a_lost_character_was_is_forgotten_for_the_next_company() -> None:
    core, company = ["山〓", "山〓", "山〓"], ["山田", "川田", "山川"]

    together = spelled(core, company)

    assert together["core_ratio"].tolist() == [1, 0, 1]


def test_the_stem_is_compared_where_it_differs_from_the_core() -> None:
    features = spelled(["青空大阪支店", "青空"], ["青空", "青空"], stem=["青空", ""])

    assert features["stem_ratio"].tolist() == [1, 0]
    assert features["core_ratio"].tolist() == [0.5, 1]


def test_an_empty_name_has_no_features_but_that_it_is_missing() -> None:
    features = spelled(["", "青空", ""], ["青空", "", ""])

    assert features.pop("kana_missing").tolist() == [1, 1, 1]
    assert not any(values.any() for values in features.values())


def test_a_missing_name_is_refused() -> None:
    missing: list[str] = [None]  # type: ignore[list-item]

    with pytest.raises(TypeError, match="NoneType"):
        _spelling.code_points((["青空"], missing))
    with pytest.raises(TypeError, match="NoneType"):
        read_alike(missing)
