"""Company names of a batch: canonical name, core, stem, legal form, kana reading and Latin name."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text import kana, legal_forms, remarks, stems
from linkage_rl.text.cells import MISSING, NO_NAME
from linkage_rl.text.legal_forms import LEGAL_FORMS, MIDDLE
from linkage_rl.text.normalise import core_block, drop_japanese_spaces, fold_block, join, split
from linkage_rl.text.numbers import read_numerals
from linkage_rl.text.usual_names import read_usual_names

# A line number copied along from a list: ③佐賀県, ④-1 株式会社…
_CIRCLED: Final = re.compile("[①-⑳㉑-㉟㊱-㊿]")
_LIST_NUMBER: Final = re.compile(
    r"^[①-⑳㉑-㉟㊱-㊿]+(?:[-－‐.．][0-9０-９]+)?[ 　]*(?=[^ 　\n])", re.MULTILINE
)

_NO_READING: Final = frozenset(kana.read_kana_block("\n".join(sorted(MISSING))).split("\n"))


class Names(NamedTuple):
    """N names; the fields are those of `CanonicalBatch`."""

    name: list[str]
    core: list[str]
    stem: list[str]
    legal_form: NDArray[np.int8]
    legal_side: NDArray[np.int8]


def _fill_empty(texts: list[str], others: Sequence[str]) -> list[str]:
    """The texts, each empty one replaced by the other of its row."""
    return [text or other for text, other in zip(texts, others, strict=True)]


def canonical_names(names: Sequence[str]) -> Names:
    """Split N names; the core of a name without any letter (〃) is the name itself.

    A word for a missing value (なし, N/A) and テスト are no names: all their texts are empty.
    """
    usual = read_usual_names(names)
    stem = list(usual.core)
    if usual.hinted:
        hinted = usual.hinted
        shortened = _shortened([usual.name[row] for row in hinted])
        for row, text in zip(hinted, shortened, strict=True):
            stem[row] = text or stem[row]
    found = Names(usual.name, usual.core, stem, usual.legal_form, usual.legal_side)
    if usual.others:
        _fill(found, usual.others, read_step_by_step([names[row] for row in usual.others]))
    return found


def _fill(names: Names, rows: list[int], others: Names) -> None:
    """Put names into these rows."""
    names.legal_form[rows], names.legal_side[rows] = others.legal_form, others.legal_side
    for texts, own in (
        (names.name, others.name),
        (names.core, others.core),
        (names.stem, others.stem),
    ):
        for row, text in zip(rows, own, strict=True):
            texts[row] = text


def read_step_by_step(names: Sequence[str]) -> Names:
    """`canonical_names` of names of any kind; usual ones read the same, but take longer."""
    count = len(names)
    lines = _without_remarks(names)
    if not NO_NAME.isdisjoint(lines):
        lines = ["" if line in NO_NAME else line for line in lines]
    spelled_out, bodies, forms, sides = _cut_all(lines)
    name = split(drop_japanese_spaces("\n".join(spelled_out)), count)
    core = split(core_block("\n".join(read_numerals(bodies))), count)
    if "" in core:
        # A name that is only a form, or only punctuation, must still be searchable.
        core = _fill_empty(_fill_empty(core, split(core_block("\n".join(lines)), count)), name)
    return Names(
        name=name,
        core=core,
        stem=_stems(lines, sides, core),
        legal_form=np.array(forms, dtype=np.int8),
        legal_side=np.array(sides, dtype=np.int8),
    )


def have_remarks(names: Sequence[str]) -> NDArray[np.bool_]:
    """Whether N names have list numbers, remarks or escapes, which are no part of a name; (N,).

    >>> have_remarks(["株式会社丸山", "12)株式会社丸山", "㈱丸山 ※休眠"]).tolist()
    [False, True, True]
    """
    typed = split(legal_forms.spell_out(fold_block(join(names))), len(names))
    clean = _without_remarks(names)
    return np.array([one != other for one, other in zip(typed, clean, strict=True)], dtype=np.bool_)


def _without_remarks(names: Sequence[str]) -> list[str]:
    """The names folded, with forms spelled out, without what is no part of a name."""
    block = remarks.without_escapes(join(names))
    if _CIRCLED.search(block):
        block = _LIST_NUMBER.sub("", block)
    return remarks.clean_lines(legal_forms.spell_out(fold_block(block)), len(names))


def _cut_all(lines: list[str]) -> tuple[list[str], list[str], list[int], list[int]]:
    """Names with their forms spelled out, names without them, codes and sides of the forms."""
    spelled_out, bodies, forms, sides = [], [], [], []
    # One row at a time, since a list of 100,000 parts would keep the garbage collector busy.
    for line in lines:
        body, form, side = legal_forms.cut_common(line)
        name = line
        if not form:
            name, body, form, side = _cut_one(line)
        spelled_out.append(name)
        bodies.append(body)
        forms.append(form)
        sides.append(side)
    return spelled_out, bodies, forms, sides


def _cut_one(line: str) -> tuple[str, str, int, int]:
    """Name with its form spelled out, name without it, code and side of the form."""
    before, form, after = part = legal_forms.cut(line)
    body = before + after
    if "会社" in body:
        before, form, after = part = legal_forms.once(part)
        body = before + after
    name = line
    if form and not line.isascii() and legal_forms.is_respelled(line):
        name = f"{before}{LEGAL_FORMS[form - 1]}{after}"
    return name, legal_forms.join_latin_and(line, body), form, part.side


def _stems(lines: list[str], sides: list[int], cores: list[str]) -> list[str]:
    """The stem of each name: its core, unless something hints at a branch or a person."""
    rows = [row for row, side in enumerate(sides) if side == MIDDLE]
    rows = sorted({*rows, *stems.hinted_rows(lines)})
    result = list(cores)
    shortened = _shortened([lines[row] for row in rows])
    for row, stem in zip(rows, shortened, strict=True):
        result[row] = stem or cores[row]
    return result


def _shortened(lines: list[str]) -> list[str]:
    """Cores of the stems of names, '' where there is none."""
    short = [legal_forms.join_latin_and(line, stems.stem_of(line)) for line in lines]
    return split(core_block("\n".join(read_numerals(short))), len(lines))


def canonical_kana(readings: Sequence[str], cores: Sequence[str]) -> list[str]:
    """Folded readings; a missing one is replaced by an all-kana core or a spelled-out acronym."""
    texts = kana.read_kana(readings)
    rows = [row for row, text in enumerate(texts) if not text or text in _NO_READING]
    spoken = [core if kana.ONLY_KANA.fullmatch(core := cores[row]) else "" for row in rows]
    folded = split(kana.read_kana_block("\n".join(spoken)), len(rows)) if any(spoken) else spoken
    for row, reading in zip(rows, folded, strict=True):
        texts[row] = reading or kana.read_acronym(cores[row])
    return texts


def canonical_latin(names_en: Sequence[str], cores: Sequence[str]) -> list[str]:
    """Latin names without form, spaces, punctuation; an all-Latin core replaces a missing one."""
    texts = [core if core.isascii() else "" for core in cores]
    if not any(names_en):
        return texts
    rows = [
        row for row, text in enumerate(names_en) if text and text.strip().lower() not in MISSING
    ]
    folded = split(fold_block(join([names_en[row] for row in rows])), len(rows))
    cut = [legal_forms.cut(line) for line in folded]
    bodies = [
        legal_forms.join_latin_and(line, part.before + part.after)
        for line, part in zip(folded, cut, strict=True)
    ]
    latin = split(core_block("\n".join(bodies)), len(rows))
    for row, text in zip(rows, latin, strict=True):
        texts[row] = text or texts[row]
    return texts
