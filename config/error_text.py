"""What pydantic found -> the key and one clause that says what is wrong and what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.gathering import REFUSED
from config.outline import names_at, place_of
from config.planned import KEYS
from config.problems import one_line, shown
from config.refusals import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KEY_CAP = 60

_EXPECTED = {
    "string_type": "write text, not {value}",
    "bool_type": "write true or false, not {value}",
    "int_type": "write a whole number, not {value}",
    "float_type": "write a number, not {value}",
    "tuple_type": "write a list ([…]), not {value}",
    "dict_type": "write keys and values, not {value}",
    "mapping_type": "write keys and values, not {value}",
    "model_type": "write keys and values, not {value}",
    "greater_than": "{value} is too small: more than {gt}",
    "greater_than_equal": "{value} is too small: at least {ge}",
    "less_than_equal": "{value} is too large: at most {le}",
}


def dotted(path: tuple[str | int, ...]) -> str:
    """A place in a file as people write it: proxy.listen[0].tls."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_key(part)}" if part[:1] != "[" else _key(part)
    return text.removeprefix(".")


def _key(part: str) -> str:
    return one_line(part if len(part) <= _KEY_CAP else f"{part[:_KEY_CAP]}…")


def explain(error: ErrorDetails) -> tuple[str, str]:
    """The key and the message of an error."""
    path = error["loc"]
    if path[-1:] == ("[key]",) and error["type"] != "extra_forbidden":
        path = path[:-1]  # pydantic's way to say that the name itself is wrong
    return dotted(path), _message(error["type"], path, error["input"], error.get("ctx", {}), error["msg"])


def _message(kind: str, path: tuple[str | int, ...], value: object, context: dict[str, Any], text: str) -> str:
    if kind == REFUSED:
        return str(context["message"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "missing":
        return "is missing; it has no default"
    if value is None:
        return "is empty; give a value, or remove the key"
    if kind == "literal_error":
        return f"{shown(value)}: write {context['expected'].replace(chr(39), '')}{_close(value, context['expected'])}"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'{shown(value)} is read as a number or a yes/no; write it in quotes: "{_as_written(value)}"'
    return _EXPECTED.get(kind, text).format(value=_kind(value), **context)


def _unknown(path: tuple[str | int, ...]) -> str:
    place = place_of(path)
    if place in KEYS:
        return "not built yet in this version; remove the key"
    return f"unknown key{did_you_mean(str(path[-1]), names_at(place[:-1]))}"


def _close(value: object, expected: str) -> str:
    words = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
    return did_you_mean(value, words) if isinstance(value, str) else ""


def _as_written(value: bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    return shown(value)
