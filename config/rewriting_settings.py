"""Settings of what is rewritten on its way to a site: safe search, YouTube's restricted mode, tenants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, Strict

from config.fields import CLOSED, Flag, Host, named

Forced = Literal["strict", "off"]
Graded = Literal["strict", "moderate", "off"]

#: Values become header fields, joined by commas: none may hold a comma, a blank or a control character.
TeamId = Annotated[str, Strict(), AfterValidator(named(r"[A-Za-z0-9:_-]{1,64}", "an id has letters, digits, : _ -"))]
Domain = Annotated[Host, AfterValidator(named(r"[a-z0-9.-]+", "write one domain, such as district.example"))]
DirectoryId = Annotated[
    str,
    Strict(),
    AfterValidator(
        named(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "write the directory's id: 8-4-4-4-12 digits")
    ),
]


class SafeSearch(BaseModel):
    """What search engines and YouTube have to leave out, whatever a browser asks for. On, unless set off."""

    model_config = CLOSED

    google: Forced = Field(default="strict", description="strict or off, on every national domain. Default strict.")
    bing: Forced = Field(default="strict", description="strict or off. Default strict.")
    duckduckgo: Graded = Field(default="strict", description="strict, moderate or off. Default strict.")
    yahoo: Graded = Field(default="strict", description="strict, moderate or off. Default strict.")
    yandex: Forced = Field(default="strict", description="strict or off. Default strict.")
    brave: Graded = Field(default="strict", description="strict, moderate or off. Default strict.")
    youtube: Graded = Field(
        default="moderate",
        description="Restricted mode: strict, moderate or off. Default moderate, as for most staff.",
    )


class Microsoft(BaseModel):
    """Microsoft accounts that may sign in."""

    model_config = CLOSED

    tenants: tuple[Domain, ...] = Field(
        default=(), description="Domains of the tenants: [district.example, district.onmicrosoft.com]. None by default."
    )
    context: DirectoryId | None = Field(
        default=None, description="Id of the district's own directory; needed with tenants. None by default."
    )
    personal_accounts: Flag = Field(
        default=True, description="People may sign in with a personal Microsoft account. Default true."
    )


class Slack(BaseModel):
    """Slack workspaces that may be signed in to."""

    model_config = CLOSED

    requester: TeamId | None = Field(
        default=None,
        description="Id of the district's own workspace; needed with workspaces. None by default.",
    )
    workspaces: tuple[TeamId, ...] = Field(default=(), description="Ids of the workspaces. None by default.")


class Tenants(BaseModel):
    """Whose accounts may be used at services that many organizations share. Everybody's, by default."""

    model_config = CLOSED

    google: tuple[Domain, ...] = Field(
        default=(), description="Google Workspace domains whose accounts may sign in. All by default."
    )
    microsoft: Microsoft = Field(default=Microsoft(), description="Microsoft accounts that may sign in.")
    dropbox: tuple[TeamId, ...] = Field(default=(), description="Ids of the Dropbox teams. All by default.")
    slack: Slack = Field(default=Slack(), description="Slack workspaces that may be signed in to.")
