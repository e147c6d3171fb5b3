"""What is remembered of texts takes a bounded number of bytes, however long they are."""

import tracemalloc

from linkage_rl.text import addresses, numbers, phones, postal_codes, urls
from linkage_rl.text.canonical import canonicalise
from linkage_rl.text.memory import MAX_BYTES, Remembered
from tests.text.test_properties import batch_of


def test_a_result_is_computed_once_until_there_is_no_room() -> None:
    computed: list[str] = []
    remembered = Remembered(lambda key: computed.append(key) or key, max_bytes=1000)

    assert [remembered[key] for key in ("a", "a", "b")] == ["a", "a", "b"]
    assert computed == ["a", "b"]
    remembered["x" * 300]
    remembered["y" * 300]
    assert list(remembered) == ["y" * 300]
    remembered["z" * 1000]
    assert "z" * 1000 not in remembered
    assert remembered.bytes < 1000


def test_long_texts_do_not_fill_the_memory() -> None:
    caches = (
        *(phones._REMEMBERED, postal_codes._REMEMBERED, urls._REMEMBERED, urls._SPLIT_HOSTS),
        *(addresses._REMEMBERED, numbers._REMEMBERED),
    )
    canonicalise(batch_of("東京都港区芝1"))
    tracemalloc.start()

    for part in range(20):
        canonicalise(batch_of(*(f"{part} {n} " + "x1." * 170 for n in range(2000))))

    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 1.3 * MAX_BYTES * len(caches)
    assert all(cache.bytes <= MAX_BYTES for cache in caches)
