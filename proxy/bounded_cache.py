"""A mapping that never outgrows its capacity: the entry that was used longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BoundedCache[K, V]:
    """Least recently used entries are dropped. For one thread (the event loop); holds no locks."""

    __slots__ = ("_capacity", "_entries")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a cache holds at least one entry")
        self._capacity = capacity
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, which becomes the most recently used one, or None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Store a value as the most recently used one."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def items(self) -> Iterable[tuple[K, V]]:
        """Everything, the entry that was used longest ago first."""
        return self._entries.items()

    def drop(self, key: K) -> None:
        """Forget a key, known or not."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
