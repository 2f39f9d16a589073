"""All refusals of a value at once: what pydantic found, item by item, and what the rules between the items found."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import ErrorDetails

    from config.refusals import Refusal

#: The type of an error whose message is ours, word for word.
REFUSED = "refused"
#: Refusals looked for in one value: a hint for each of 18,000 misspelt lists took 16 s.
REFUSALS_CAP = 500


def raise_all(refusals: Iterable[Refusal]) -> None:
    """Raise one ValidationError that holds them all, or return when there are none."""
    details = [_detail(refusal.at, refusal.message) for refusal in islice(refusals, REFUSALS_CAP)]
    if details:
        _raise(details)


def gather(value: Any, validate: Callable[[Any], Any], rules: Callable[[Any], Iterable[Refusal]]) -> Any:
    """Validate a mapping or a list, then hold its sound items against `rules`, and raise the problems of both.

    Without this, one misspelt item would hide that another one breaks a rule.
    """
    try:
        whole = validate(value)
    except ValidationError as error:
        details = [_again(found) for found in error.errors(include_url=False)]
        bad = {found["loc"][0] for found in error.errors() if found["loc"]}
        details.extend(_of_sound_items(value, bad, validate, rules))
        _raise(details)
    raise_all(rules(whole))
    return whole


def _of_sound_items(
    value: Any, bad: set[int | str], validate: Callable[[Any], Any], rules: Callable[[Any], Iterable[Refusal]]
) -> list[InitErrorDetails]:
    if not bad or not isinstance(value, dict | list | tuple):
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    sound = [(place, item) for place, item in items if place not in bad]
    if isinstance(value, dict):
        found = islice(rules(validate(dict(sound))), REFUSALS_CAP)
        return [_detail(refusal.at, refusal.message) for refusal in found]
    places = [place for place, _ in sound]
    refusals = islice(rules(validate([item for _, item in sound])), REFUSALS_CAP)
    return [_detail((places[int(r.at[0])], *r.at[1:]) if r.at else (), r.message) for r in refusals]


def _detail(at: tuple[str | int, ...], message: str) -> InitErrorDetails:
    error = PydanticCustomError(REFUSED, "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=at, input=None)


def _again(found: ErrorDetails) -> InitErrorDetails:
    error: str | PydanticCustomError = found["type"]
    if error == REFUSED:
        error = PydanticCustomError(REFUSED, "{message}", found["ctx"])
    return InitErrorDetails(type=error, loc=found["loc"], input=found["input"], ctx=found.get("ctx", {}))


def _raise(details: list[InitErrorDetails]) -> NoReturn:
    raise ValidationError.from_exception_data("settings", details)
