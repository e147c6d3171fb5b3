"""What is remembered of texts takes a bounded number of bytes, however long they are."""

import sys

from linkage_rl.text import addresses, numbers, phones, postal_codes, urls
from linkage_rl.text.memory import MAX_BYTES, Remembered, size_of


def test_a_result_is_computed_once_until_there_is_no_room() -> None:
    computed: list[str] = []

    def compute(key: str) -> str:
        computed.append(key)
        return key

    remembered = Remembered(compute, max_bytes=1000)

    assert [remembered[key] for key in ("a", "a", "b")] == ["a", "a", "b"]
    assert computed == ["a", "b"]
    assert remembered["x" * 300] == "x" * 300
    assert remembered["y" * 300] == "y" * 300
    assert list(remembered) == ["y" * 300]
    assert remembered["z" * 1000] == "z" * 1000
    assert remembered.bytes < 1000


def test_of_a_list_a_little_longer_than_the_room_half_is_still_there_the_next_time() -> None:
    computed: list[str] = []

    def compute(key: str) -> str:
        computed.append(key)
        return key

    texts = [f"{number:04}" for number in range(1000)]
    size = 120 + 2 * size_of("0000")
    remembered = Remembered(compute, max_bytes=900 * size)

    for _ in range(3):
        computed.clear()
        assert [remembered[text] for text in texts] == texts
        assert remembered.bytes == size * len(remembered) <= 900 * size

    assert len(computed) < 600


def test_long_texts_do_not_fill_the_memory() -> None:
    remembered: Remembered[str, tuple[str, str]] = Remembered(lambda key: (key + "x", key))

    for number in range(15_000):
        assert remembered[f"{number}京" * 90]

    kept = sum(size_of(key) + size_of(value) for key, value in remembered.items())
    assert 0 < kept + sys.getsizeof(remembered) < 1.1 * MAX_BYTES
    assert remembered.bytes <= MAX_BYTES


def test_every_function_that_remembers_texts_is_bounded() -> None:
    modules = (addresses, numbers, phones, postal_codes, urls)
    caches = [one for module in modules for one in vars(module).values() if type(one) is Remembered]

    assert len(caches) == 6
    assert sum(cache._max_bytes for cache in caches) <= 7 * MAX_BYTES
