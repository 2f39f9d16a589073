"""The outline of the settings: every key that exists, taken from the models. Documents, hints and differences use it.

A place in the outline is a tuple of keys in which "*" stands for any name of a mapping or any item of a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

type Place = tuple[str, ...]

_SPELLED: dict[object, str] = {Mapping: ".NAME", tuple: "[]"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its place, what the reader is told, whether it must be there."""

    place: Place
    spelled: str  # as people write it: proxy.listen[].address, categories.NAME.action
    description: str
    required: bool
    section: type[BaseModel] | None  # the model of the keys below it, if there are any
    default: Any = None


@cache
def keys() -> tuple[Key, ...]:
    """Every key, parents before children, in the order of the models."""
    return tuple(_keys(Settings, (), ""))


def _keys(model: type[BaseModel], above: Place, spelled: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        section, containers = _below(field.annotation)
        place, text = (*above, name), f"{spelled}{name}"
        yield Key(place, text, field.description or "", field.is_required(), section, _default(field))
        if section is not None:
            stars = ("*",) * len(containers)
            yield from _keys(section, (*place, *stars), text + "".join(containers) + ".")


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True, validated_data={})


def _below(annotation: Any) -> tuple[type[BaseModel] | None, tuple[str, ...]]:
    """The model inside an annotation, and how each mapping or list around it is spelled."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ()
    for argument in get_args(annotation):
        section, containers = _below(argument)
        if section is not None:
            around = _SPELLED.get(get_origin(annotation))
            return section, (around, *containers) if around else containers
    return None, ()


@cache
def _places() -> dict[Place, tuple[str, ...]]:
    """Every place, with the keys that may stand there."""
    found: dict[Place, list[str]] = {(): []}
    for key in keys():
        for length in range(1, len(key.place) + 1):
            found.setdefault(key.place[:length], [])
        found[key.place[:-1]].append(key.place[-1])
    return {place: tuple(names) for place, names in found.items()}


def place_of(path: tuple[str | int, ...]) -> Place:
    """The place in the outline of a path in a file: names and indexes that a district chose become stars."""
    place: Place = ()
    for part in path:
        starred = (*place, "*")
        place = starred if isinstance(part, int) or starred in _places() else (*place, part)
    return place


def names_at(place: Place) -> tuple[str, ...]:
    """The keys that may stand at a place; empty where the district chooses them."""
    return _places().get(place, ())
