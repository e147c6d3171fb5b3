"""What is remembered of texts takes a bounded number of bytes, however long they are."""

import sys

from linkage_rl.text import addresses, numbers, phones, postal_codes, urls
from linkage_rl.text.memory import MAX_BYTES, Remembered, size_of
from linkage_rl.text.phones import canonical_phones
from linkage_rl.text.postal_codes import canonical_postal_codes


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
    texts = [f"{number} 千" + "一x1." * 120 for number in range(20_000)]

    canonical_phones(texts)
    canonical_postal_codes(texts)

    for cache in (phones._REMEMBERED, postal_codes._REMEMBERED):
        entries = sum(size_of(key) + size_of(value) for key, value in cache.items())
        assert 0 < entries + sys.getsizeof(cache) < 1.1 * MAX_BYTES
        assert len(cache) < len(texts)
    assert all(cache.bytes <= MAX_BYTES for cache in caches)
