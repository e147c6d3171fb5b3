"""What drawn companies were at an earlier time: other names, other addresses."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.latin_forms import core_of_latin, cut_latin_form, is_latin
from linkage_rl.tables.spelling_noise import ABBREVIATIONS, core_of, one_of
from linkage_rl.tables.vocabulary import vocabulary
from linkage_rl.training.own_table.config import OwnTableConfig
from linkage_rl.training.own_table.world import World

ADDRESS: Final = ("postal_code", "prefecture", "city", "street", "phone")
"""Fields that a company takes from the one at its former address."""
FORMS: Final = ("株式会社", "有限会社", "合同会社")


def former_records(
    world: World,
    rows: NDArray[np.int64],
    records: RecordBatch,
    schema: Schema,
    split: str,
    config: OwnTableConfig,
    rng: np.random.Generator,
) -> RecordBatch:
    """Fields of these companies at an earlier time.

    Args:
        world: The table.
        rows: N rows of the full index.
        records: Their fields today.
        schema: Of the table.
        split: Whose hidden rows names and addresses are taken from.
        config: How often a former name resembles the present one, and a former address is near.
        rng: Random generator.

    Returns:
        The fields of `records`. The address is that of a hidden row of the same registry office,
        else of the same prefecture, and for `same_city_share` of the companies of the same city;
        without `near_places` that of any hidden row. The name is a former one that the table
        knows, or one that resembles the present one, or that of a hidden row. With a schema of
        comparators all fields are those of a hidden row, of the same word where there is one.
    """
    if schema.comparators:
        return world.full.records(world.donors(rows, split, "city", rng))
    near = rng.random(len(rows)) < config.same_city_share
    anywhere = rng.choice(world.hidden[split], len(rows))
    if config.near_places:
        office = np.where(
            world.places["office"][rows] != 0,
            world.donors(rows, split, "office", rng),
            world.donors(rows, split, "prefecture", rng),
        )
        place = np.where(near, world.donors(rows, split, "city", rng), office)
    else:
        place = rng.permutation(anywhere)
    there, other = world.full.records(place), world.full.records(anywhere)
    related = rng.random(len(rows)) < config.related_share
    names, readings = [], []
    for row, resembles in enumerate(related.tolist()):
        present, known = records.column("name")[row], records.column("former_names")[row]
        if known and rng.random() < 0.5:
            names.append(one_of(known.split("|"), rng))
            readings.append("")
        elif resembles:
            names.append(related_name(present, other.column("name")[row], rng))
            readings.append("")
        else:
            names.append(other.column("name")[row])
            readings.append(other.column("name_kana")[row])
    columns = {field: list(records.column(field)) for field in FIELDS}
    columns |= {field: list(there.column(field)) for field in ADDRESS}
    return RecordBatch(records.ids, columns | {"name": names, "name_kana": readings})


def related_name(name: str, other: str, rng: np.random.Generator) -> str:
    """A name that shares a part with `name`: half of it, a word more, another legal form.

    Args:
        name: The present name.
        other: The name of another company, from which words may be taken.
        rng: Random generator.
    """
    if is_latin(name):
        return _related_words(name, other, rng)
    core = core_of(name)
    form = name.replace(core, "", 1) if core != name else ""
    leads = bool(form) and name.startswith(form)
    way = rng.integers(4)
    if way == 0 and len(core) > 3:
        core = core[: max(2, len(core) // 2)] + core_of(other)[-2:]
    elif way == 1 and len(core) > 2:
        core = core[: max(2, 2 * len(core) // 3)]
    elif way == 2:
        core += one_of(vocabulary()["relative"].texts, rng)
    elif form in ABBREVIATIONS:
        form = one_of([each for each in FORMS if each != form], rng)
    else:
        core += core_of(other)[-2:]
    return form + core if leads else core + form


def _related_words(name: str, other: str, rng: np.random.Generator) -> str:
    """The same for names in Latin letters; the legal form stays."""
    parts = cut_latin_form(name)
    words, form = parts.core.split(), name[len(parts.core) :]
    others = core_of_latin(other).split() or [other]
    way = rng.integers(3)
    if way == 0 and len(words) > 1:
        return " ".join(words[:-1]) + form
    if way == 1 and len(words) > 1:
        return " ".join([*words[:-1], others[-1]]) + form
    return " ".join([*words, others[0]]) + form
