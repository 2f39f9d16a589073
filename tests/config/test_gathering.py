from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from config.gathering import REFUSALS_CAP, gather, raise_all
from config.refusals import Refusal


def no_sevens(numbers: list[int] | dict[str, int]) -> Iterator[Refusal]:
    items = numbers.items() if isinstance(numbers, dict) else enumerate(numbers)
    for place, number in items:
        if number == 7:
            yield Refusal((place,), "no sevens {here}")
    if not numbers:
        yield Refusal((), "empty")


class Box(BaseModel):
    items: list[Annotated[int, Field(lt=10)]] | None = None
    named: dict[str, int] | None = None

    @field_validator("items", "named", mode="wrap")
    @classmethod
    def _all(cls, value: Any, handler: Any) -> Any:
        return gather(value, handler, no_sevens)


ROWS = [
    ("a rule alone", {"items": [1, 7]}, {("items", 1)}),
    ("a rule behind a misspelt item keeps its place", {"items": ["x", 7, 99, 7]}, {("items", n) for n in range(4)}),
    ("a mapping", {"named": {"a": "x", "b": 7}}, {("named", "a"), ("named", "b")}),
    ("neither a list nor a mapping", {"items": 5}, {("items",)}),
    ("a rule for the whole", {"items": []}, {("items",)}),
    ("all misspelt: what is left is empty", {"items": ["x"]}, {("items", 0), ("items",)}),
    ("two fields", {"items": [7], "named": {"a": 7}}, {("items", 0), ("named", "a")}),
]


@pytest.mark.parametrize(("given", "places"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_all_refusals_at_once(given: dict[str, Any], places: set[tuple[str | int, ...]]) -> None:
    with pytest.raises(ValidationError) as caught:
        Box.model_validate(given)
    assert {error["loc"] for error in caught.value.errors()} == places


def test_a_value_of_nothing_but_refusals_is_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        Box.model_validate({"items": [7] * 5000, "named": {"bad": "x", **{f"a{n}": 7 for n in range(5000)}}})
    assert len(caught.value.errors()) == 2 * REFUSALS_CAP + 1


def test_sound_values_pass() -> None:
    assert Box.model_validate({"items": [1], "named": {"a": 2}}) == Box(items=[1], named={"a": 2})


def test_messages_are_kept_word_for_word() -> None:
    raise_all(())
    with pytest.raises(ValidationError) as caught:
        raise_all([Refusal(("a", 0), "with {braces} and %s")])
    assert caught.value.errors()[0]["msg"] == "with {braces} and %s"
