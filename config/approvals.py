"""What stands in the settings on somebody's word: each has an owner, a reason and a date."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from config import refusals
from config.fields import CLOSED, Day, Host, Network, SocketAddress, Text, Whole, socket_address, today_of


class Approval(BaseModel):
    """Who answers for an exception, why, and since when."""

    model_config = CLOSED

    owner: Text = Field(description="Who answers for it: a person or an office. Required.")
    reason: Text = Field(description="Why it is needed, for the auditor. Required.")
    since: Day = Field(description="Date of the approval, such as 2026-11-01. Required.")

    @field_validator("since")
    @classmethod
    def _not_ahead(cls, value: Day, info: ValidationInfo) -> Day:
        return _allowed(value, refusals.since(value, today_of(info)))


class PrivateNetwork(Approval):
    """A network in a private range that may be reached through the filter."""

    network: Network = Field(description="Inside a private or loopback range, /16 or narrower (IPv6: /48). Required.")

    @field_validator("network")
    @classmethod
    def _narrow(cls, value: Network) -> Network:
        return _allowed(value, refusals.private_network(value))


class ApprovedAddress(Approval):
    """A destination that is addressed by number. One in a private range must be in private_networks as well."""

    address: SocketAddress = Field(description='One IP address and port: "203.0.113.9:443". Required.')

    @field_validator("address")
    @classmethod
    def _one_machine(cls, value: str) -> str:
        return _allowed(value, refusals.approved_address(*socket_address(value)))

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"address": value} if isinstance(value, str) else value


class PassthroughHost(Approval):
    """A host, with its sub-domains, whose TLS is not opened. It is still filtered by name."""

    host: Host = Field(description="A host name; no wildcard, no public suffix. Required.")

    @field_validator("host")
    @classmethod
    def _own(cls, value: str) -> str:
        return _allowed(value, refusals.host(value))

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"host": value} if isinstance(value, str) else value


#: What may be spoken in an approved tunnel; proxy/approved_tunnel.py knows how each begins.
TunnelProtocol = Literal["ssh", "tls", "rdp", "vnc", "openvpn", "turn"]
TUNNEL_PROTOCOLS: tuple[str, ...] = get_args(TunnelProtocol)


class ApprovedTunnel(Approval):
    """One protocol to one port of one host, relayed without being looked into. In a private range, list that too."""

    host: Host = Field(description="A host name, without its sub-domains; no wildcard, no public suffix. Required.")
    port: Whole = Field(ge=1, le=65_535, description="Its port; it need not be in allow_ports. Required.")
    protocol: TunnelProtocol = Field(
        description="What both sides have to speak: ssh, tls, rdp, vnc, openvpn or turn; anything else is "
        "refused. tls is not opened, and its name has to be the host's. Required."
    )

    @field_validator("host")
    @classmethod
    def _own(cls, value: str) -> str:
        return _allowed(value, refusals.host(value))


def _allowed[T](value: T, why_not: str | None) -> T:
    if why_not:
        raise ValueError(why_not)
    return value
