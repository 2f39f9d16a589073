"""What every request makes and reads by the dozen: messages, headers, options, hooks, events and contexts."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mitmproxy.hooks import Hook
from mitmproxy.http import Headers, MessageData
from mitmproxy.optmanager import _Option, unset
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import CommandCompleted

from proxy.replaced.part import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Values that nobody can change, so that a copy is the same as the value.
_CONSTANT = frozenset({str, bytes, int, float, bool, type(None)})

#: The fields of each class of hook, in their order.
_FIELDS: dict[type, tuple[str, ...]] = {}


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        _part(
            MessageData, "__post_init__", "f65088e210cd9cc1dc277086ee4c7f5701d433b02e6f1d81a2ac22f94c484414", _unchecked
        ),
        _part(Headers, "__init__", "4d53696a5f9f66705444e4cceff4bd2cbf5255debbd17449fd058c2ffe7e1b48", _headers),
        _part(Headers, "get_all", "367b3317bc2ba45c0a5af45ea8f710a80c38234f8dc3c3030ce23a19b0cfa24e", _get_all),
        _part(Headers, "__getitem__", "482e7414c932e3e81efbc8888ab404e124ebc4bea48736746ead89e75db0b9d4", _get),
        _part(_Option, "current", "6859c2d9c826806ed06b7b034ef608de3f655c67390e4badd26d70ec75811adb", _current),
        _part(Hook, "args", "5bab95f7aa358e18cbc06abdb02a4d0a1e71274032d765285706a54e5cb2d965", _args),
        _part(
            StartHook, "__new__", "722d742f24074dc2861760b35537c6c89f5a77ca1a004308a9c1099d5f43aaa8", staticmethod(_new)
        ),
        _part(
            CommandCompleted,
            "__new__",
            "e0df0ef4b3a4c67e6e45c03169a87e87190f88f4ef757468a524c1f7fe41c79c",
            staticmethod(_new),
        ),
        _part(Context, "fork", "cad9374a0689f10a2e947607b27169af8f7d499a87cf2e5138a02dac2790a312", _fork),
    )


def _part(owner: type, name: str, digest: str, new: object) -> Part:
    return Part(owner, name, digest, new, lever="values")


def _unchecked(self: MessageData) -> None:
    """Check no types: stock looks at each field of every message for a mistake of its own."""


def _headers(self: Headers, fields: Iterable[tuple[bytes, bytes]] = (), **headers: str | bytes) -> None:
    """Keep the fields. Stock makes an empty update of them as well."""
    self.fields = tuple(map(tuple, fields))  # type: ignore[arg-type]
    for name, value in self.fields:
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise TypeError("Header fields must be bytes.")
    for word, text in headers.items():
        self[word.replace("_", "-")] = text


def _get_all(self: Headers, name: str | bytes) -> list[str]:
    """Give the values of a name. Stock calls three functions for each field there is."""
    wanted = (name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name).lower()
    return [value.decode("utf-8", "surrogateescape") for each, value in self.fields if each.lower() == wanted]


def _get(self: Headers, name: str | bytes) -> str:
    values = _get_all(self, name)
    if not values:
        raise KeyError(name)
    return values[0] if len(values) == 1 else ", ".join(values)


def _current(self: Any) -> Any:
    """Give an option's value. Stock copies it twice, deeply, whatever it is."""
    value = self._default if self.value is unset else self.value
    return value if type(value) in _CONSTANT else copy.deepcopy(value)


def _args(self: Hook) -> list[Any]:
    """Give what a hook is about. Stock asks dataclasses for the names each time."""
    kind = type(self)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(field.name for field in fields(self))  # type: ignore[arg-type]
    return [getattr(self, name) for name in names]


def _new(cls: type, *args: object, **kwargs: object) -> object:
    """Make a hook or an event. Stock looks each time whether its class is a dataclass."""
    return object.__new__(cls)


def _fork(self: Context) -> Context:
    """Give a context of its own to what comes. Stock makes a server for it first and throws it away."""
    forked = object.__new__(Context)
    forked.client, forked.options, forked.server = self.client, self.options, self.server
    forked.layers = self.layers.copy()
    return forked
