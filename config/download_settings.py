"""Settings of what may be fetched and kept: programs, installers, scripts, packages of stores, archives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from config import refusals
from config.fields import CLOSED, Flag, Host, Name


def _own(host: str) -> str:
    if why_not := refusals.host(host):
        raise ValueError(why_not)
    return host


class Downloads(BaseModel):
    """Programs, installers, scripts and store packages, recognised by what they are, whatever they are called."""

    model_config = CLOSED

    action: Literal["block", "allow"] = Field(
        default="block",
        description="block or allow. Default block: staff install no software of their own.",
    )
    except_groups: tuple[Name, ...] = Field(
        default=(), description="Groups that may download although it is blocked. None by default."
    )
    allow_from: tuple[Annotated[Host, AfterValidator(_own)], ...] = Field(
        default=(),
        description="Hosts, with their sub-domains, from which everybody may download: the district's own server, a "
        "vendor of teaching software. No wildcard, no public suffix. None by default.",
    )
    allow_updates: Flag = Field(
        default=True,
        description="Allow from our starter list as well: updates of operating systems and browsers. Default true.",
    )
    encrypted_archives: Literal["block", "allow"] = Field(
        default="allow", description="Archives that nobody can look into: block or allow. Default allow."
    )
