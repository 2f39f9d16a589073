"""Settings of categories, groups and hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, GetJsonSchemaHandler, model_validator

from config.fields import CLOSED, Day, Name, Text, UserName, either

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_ACTIONS = ("block", "allow", "monitor")


class CategoryRule(BaseModel):
    """What happens to a category: `block`, `allow` or `monitor`, or the long form below."""

    model_config = CLOSED

    action: Literal["block", "allow", "monitor"] = Field(
        description="block, allow, or monitor: decide and record, but let it through until a date. Required."
    )
    except_groups: tuple[Name, ...] = Field(
        default=(), description="Groups that are let through although the category is blocked. None by default."
    )
    hours: Name | None = Field(
        default=None,
        description="Name of the hours in which the action holds; outside them a blocked category is allowed and an "
        "allowed one is blocked. Always, by default.",
    )
    until: Day | None = Field(
        default=None,
        description="Last day of monitor (date, district's time zone); needed with it. None by default.",
    )
    title: Text | None = Field(
        default=None,
        description='Completes "listed as …"; needed for a category that the district adds. None by default.',
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The short form is a word."""
        return either({"enum": list(_ACTIONS)}, handler.resolve_ref_schema(handler(schema)))


class Group(BaseModel):
    """People who are treated alike."""

    model_config = CLOSED

    users: tuple[UserName, ...] = Field(default=(), description="Account names. None by default.")
