"""What two settings differ in, key by key, and which keys wait for a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.error_text import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings

type Path = tuple[str | int, ...]

#: Keys that a running process reads once, when it starts. All others take effect within seconds of an apply.
NEEDS_RESTART: tuple[tuple[str, ...], ...] = (
    ("state_dir",),
    ("database",),
    ("proxy", "listen"),
    ("proxy", "transparent", "listen"),
    ("proxy", "workers"),
    ("proxy", "public_name"),
    ("proxy", "extra_trust"),
    ("proxy", "limits", "dns_seconds"),
    ("proxy", "limits", "spool_bytes"),
    ("metrics", "listen"),
)

#: Items of lists are told apart by these of their keys, the first that they have.
_NAMED_BY = ("name", "host", "network", "address")


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs. `before` and `after` are JSON values; None where the key was not set."""

    key: str
    before: Any
    after: Any
    needs_restart: bool


def difference(old: Settings | None, new: Settings) -> tuple[Change, ...]:
    """The keys that differ, in the order of the new settings; without old ones, every key that the new ones set."""
    before = dict(_flat((), old.model_dump(mode="json"))) if old else {}
    after = dict(_flat((), new.model_dump(mode="json", exclude_unset=old is None)))
    return tuple(
        Change(dotted(path), before.get(path), after.get(path), old is not None and _restarts(path))
        for path in dict.fromkeys([*after, *before])
        if before.get(path) != after.get(path)
    )


def _restarts(path: Path) -> bool:
    return any(path[: len(place)] == place for place in NEEDS_RESTART)


def _flat(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its path; items of a list that have a name go by it, so that their order is no difference."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _flat((*path, key), below)
    elif isinstance(value, list) and value and all(map(_name, value)):
        for item in value:
            yield from _flat((*path, f"[{_name(item)}]"), item)
    elif value not in (None, {}, []):
        yield path, value


def _name(item: Any) -> str | None:
    named = (item[key] for key in _NAMED_BY if key in item) if isinstance(item, dict) else iter(())
    return next(named, None)
