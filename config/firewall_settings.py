"""Settings of the network around the filter, from which `breakwater firewall` makes the rules of a router."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from config import firewall_refusals
from config.approvals import Approval, PrivateNetwork
from config.fields import CLOSED, Address, Day, Name, Network, SocketAddress, named, socket_address
from config.firewall_refusals import port_range
from config.gathering import raise_all
from config.problems import shown


def _ports(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError(f'{shown(value)}: write a port or a range, such as 3478 or "8801-8810"')
    first, last = port_range(text)
    return str(first) if first == last else f"{first}-{last}"


Ports = Annotated[str, BeforeValidator(_ports), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})]
Interface = Annotated[
    str,
    Strict(),
    AfterValidator(
        named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", "an interface has up to 15 letters, digits and the signs . _ -")
    ),
]


class Exemption(Approval):
    """Traffic that passes the router without the filter: phones, conferencing, cameras. It ends by itself."""

    name: Name = Field(description="How the rules call it. Required.")
    clients: tuple[Network, ...] = Field(
        default=(), description="Who may, inside networks of schools. By default all client networks."
    )
    destinations: tuple[Network, ...] = Field(
        description="Where to: the vendor's networks, each /14 or narrower (IPv6: /32), those of all exemptions "
        "together a /12 (IPv6: /25). Required."
    )
    protocol: Literal["udp", "tcp"] = Field(description="udp or tcp. Required.")
    ports: tuple[Ports, ...] = Field(
        description='Ports and ranges: [3478, "8801-8810"]; none that the web, mail, DNS, SSH, '
        "proxies, Tor, VPNs or peer-to-peer programs usually have, but within 1000 and more UDP ports from 16384 on "
        "(media). Required."
    )
    until: Day = Field(
        description="Last day (district's time zone), at most 400 days after since; then approve it again. Required."
    )

    @field_validator("destinations")
    @classmethod
    def _named_places(cls, value: tuple[Network, ...]) -> tuple[Network, ...]:
        raise_all(firewall_refusals.destinations(value))
        return value

    @field_validator("ports")
    @classmethod
    def _named_ports(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        raise_all(firewall_refusals.ports(value, info.data.get("protocol", "udp")))
        return value

    @field_validator("until")
    @classmethod
    def _ends(cls, value: Day, info: ValidationInfo) -> Day:
        why = firewall_refusals.until(value, info.data["since"]) if "since" in info.data else None
        if why:
            raise ValueError(why)
        return value


class Firewall(BaseModel):
    """The network around the filter: what `breakwater firewall print` cannot know from schools and proxy.listen."""

    model_config = CLOSED

    interfaces: tuple[Interface, ...] = Field(
        default=(),
        description="The router's interfaces towards clients: all that comes in there is governed, whatever its "
        "address. Without them clients are known by their addresses (schools). None by default.",
    )
    proxies: tuple[SocketAddress, ...] = Field(
        default=(),
        description="Addresses and ports at which clients reach the filter. By default those of proxy.listen that "
        "name an address of a network.",
    )
    resolvers: tuple[Address, ...] = Field(
        default=(), description="The district's DNS resolvers, the only ones that clients reach. None by default."
    )
    inside: tuple[PrivateNetwork, ...] = Field(
        default=(),
        description="Networks of the district (servers, printers) that clients reach without the filter. "
        "None by default.",
    )
    exemptions: tuple[Exemption, ...] = Field(
        default=(), description="Traffic that passes without the filter, until a date. None by default."
    )

    @field_validator("proxies")
    @classmethod
    def _machines(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        raise_all(firewall_refusals.machines(socket_address(each) for each in value))
        return value

    @field_validator("resolvers")
    @classmethod
    def _single(cls, value: tuple[Address, ...]) -> tuple[Address, ...]:
        raise_all(firewall_refusals.machines((each, 53) for each in value))
        return value

    @field_validator("exemptions")
    @classmethod
    def _one_name_each_and_narrow(cls, value: tuple[Exemption, ...]) -> tuple[Exemption, ...]:
        raise_all(firewall_refusals.names([each.name for each in value]))
        raise_all(firewall_refusals.together(value))
        return value
