from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.bounded_cache import BoundedCache


def test_the_entry_used_longest_ago_goes_first():
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_a_dropped_key_is_gone_and_dropping_it_again_is_no_error():
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.put("a", 1)
    cache.drop("a")
    cache.drop("a")
    assert cache.get("a") is None


@given(st.integers(1, 5), st.lists(st.integers(0, 20)))
def test_it_never_outgrows_its_capacity_and_keeps_the_newest(capacity, keys):
    cache: BoundedCache[int, str] = BoundedCache(capacity)
    for key in keys:
        cache.put(key, str(key))
        assert cache.get(key) == str(key)
        assert len(cache) <= capacity
