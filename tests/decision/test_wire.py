"""The reader of protobuf messages takes what is of the expected form, and ends on all else."""

import random

import pytest

from linkage_rl.decision.wire import (
    FLOATS,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
    Reader,
    WireError,
    count_floats,
    messages_in,
    number_in,
    numbers_in,
    text_in,
)

KINDS = {1: NUMBER, 2: TEXT, 3: NUMBERS, 4: TEXTS, 5: FLOATS}


def test_a_message_is_read_by_the_kinds_of_its_fields() -> None:
    data = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x1a\x02\x01\x02\x18\x03" + b"\x22\x00\x22\x01x"
    data += b"\x2a\x08" + bytes(8) + b"\x2d" + bytes(4)

    fields = Reader().message(memoryview(data), KINDS)

    assert (number_in(fields, 1), text_in(fields, 2)) == (150, "abc")
    assert numbers_in(fields, 3) == [1, 2, 3]
    assert [bytes(part) for part in messages_in(fields, 4)] == [b"", b"x"]
    assert count_floats(fields, 5, 4) == 3
    assert number_in(fields, 7, 5) == 5


def test_a_negative_number_is_read_as_such() -> None:
    data = b"\x18" + b"\xff" * 9 + b"\x01"

    assert numbers_in(Reader().message(memoryview(data), KINDS), 3) == [-1]


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x12\x05abc",
        b"\x08\x01\x08\x02",
        b"\x12\x00\x12\x00",
        b"\x0a\x00",
        b"\x0b\x0c",
        b"\x38\x01",
        b"\x08" + b"\xff" * 11,
        b"\x12\xff\xff\xff\xff\x0f",
        b"\x22\x00" * 300_000,
        b"\x1a\xe0\xa7\x12" + b"\x01" * 300_000,
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        Reader().message(memoryview(data), KINDS)


def test_random_bytes_end_in_a_message_or_a_refusal() -> None:
    rng = random.Random(0)
    for _ in range(3000):
        data = rng.randbytes(rng.randrange(40))
        try:
            Reader().message(memoryview(data), KINDS)
        except WireError:
            continue
