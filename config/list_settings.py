"""Settings of the lists that a district subscribes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, Strict

from categories.sources import LIST_NAME, LIST_NAME_RULE
from config.approvals import Approval
from config.fields import CLOSED, AbsolutePath, CategoryId, Url, Whole, named

ListName = Annotated[str, Strict(), AfterValidator(named(LIST_NAME.pattern, LIST_NAME_RULE))]
Directory = Annotated[
    str, Strict(), AfterValidator(named(r"[A-Za-z0-9_-]{1,64}", "the name of one of the list's directories"))
]
Sha256 = Annotated[
    str,
    Strict(),
    AfterValidator(named(r"(sha256:)?[0-9a-fA-F]{64}", "a SHA-256 has 64 hexadecimal digits")),
    AfterValidator(lambda text: text.removeprefix("sha256:").lower()),
]
Age = Annotated[str, Strict(), AfterValidator(named(r"[1-9][0-9]{0,3}d", 'write a number of days, such as "14d"'))]

#: Days after which a list from a web address is stale, unless the settings say otherwise: most appear every week.
_STALE_DAYS = 14


class ListSource(BaseModel):
    """One list, from a web address or a local file."""

    model_config = CLOSED

    name: ListName = Field(description="How records, reports and block pages call it. Required.")
    format: Literal["ut1", "domains", "hosts", "wildcard", "dnsmasq", "rpz", "adblock", "e2guardian"] = Field(
        description="ut1 (tree or tar.gz of categories), domains (one a line, with sub-domains), hosts, wildcard, "
        "dnsmasq, rpz, adblock or e2guardian (docs/its.md). Required."
    )
    url: Url | None = Field(
        default=None, description="Where `lists update` fetches it; https. Either this or path. None by default."
    )
    path: AbsolutePath | None = Field(
        default=None, description="A local file or folder, from the folder of this file. None by default."
    )
    map: Mapping[Directory, CategoryId] = Field(
        default_factory=dict,
        description="For ut1: its category -> ours. What is not mapped is not read. Empty by default.",
    )
    category: CategoryId | None = Field(
        default=None, description="For all but ut1: the category of every line. None by default."
    )
    white: Mapping[Directory, Approval] = Field(
        default_factory=dict,
        description="For ut1: its white lists that count; for rpz and adblock: `exceptions`, where theirs do. Each "
        "with who answers for it. Empty by default.",
    )
    checksum: Sha256 | None = Field(
        default=None, description="SHA-256 of the file, fetched or local; another file is refused. None by default."
    )
    stale_after: Age | None = Field(
        default=None,
        description='Age at which it is stale, such as "30d": it keeps blocking, and alarms. By default 14d for a list '
        "with a url, and never for a local file.",
    )

    @property
    def stale_days(self) -> int | None:
        """The age in days at which it is stale; None where age says nothing."""
        if self.stale_after is not None:
            return int(self.stale_after.removesuffix("d"))
        return _STALE_DAYS if self.url is not None else None

    expressions: Annotated[bool, Strict()] = Field(
        default=False,
        description="For ut1: its regular expressions block too, anywhere in an address. False by default.",
    )

    @property
    def categories(self) -> frozenset[str]:
        """The ids of the categories that it fills."""
        return frozenset(self.map.values()) | ({self.category} if self.category else frozenset())


class HoldLimits(BaseModel):
    """How much of its entries a list may lose or win in one update before a person has to decide."""

    model_config = CLOSED

    shrink: Whole = Field(
        default=10, ge=0, le=100, description="Percent that it may lose; a list of the floor never over 20. Default 10."
    )
    growth: Whole = Field(default=25, ge=0, le=10_000, description="Percent that it may win. Default 25.")


class ListUpdates(BaseModel):
    """When the lists are fetched again, and which updates wait for a person."""

    model_config = CLOSED

    at: Annotated[
        str,
        Strict(),
        AfterValidator(
            named(r"never|([01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day in quotes, such as "03:30", or never')
        ),
    ] = Field(
        default="03:30",
        description="Time of day, in the district's time zone and in quotes, at which a running filter fetches the "
        'lists: "03:30"; or never. What could not be fetched is asked for again every hour. Default 03:30.',
    )
    hold: HoldLimits = Field(default=HoldLimits(), description="What a person has to decide.")
