"""Settings of the proxy: where it listens, what it may reach, how long it waits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, GetJsonSchemaHandler, field_validator, model_validator

from categories.address import literal
from config import refusals
from config.approvals import ApprovedAddress, ApprovedTunnel, PassthroughHost, PrivateNetwork
from config.fields import (
    CLOSED,
    AbsolutePath,
    Bytes,
    CategoryId,
    Flag,
    Host,
    Seconds,
    SocketAddress,
    Whole,
    either,
    socket_address,
)
from config.gathering import raise_all
from config.problems import shown
from config.transparent_settings import Transparent

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class TlsFiles(BaseModel):
    """Certificate and key of a listener."""

    model_config = CLOSED

    cert_file: AbsolutePath = Field(description="PEM file with the certificate and its chain. Required.")
    key_file: AbsolutePath = Field(description="PEM file with the private key, mode 0600. Required.")


class Listener(BaseModel):
    """An address on which clients are served: "127.0.0.1:8080", or the long form below."""

    model_config = CLOSED

    address: SocketAddress = Field(
        description='IP address and port: "0.0.0.0:8080", "[::]:8080". Port 0 takes a free one. Required.'
    )
    tls: TlsFiles | None = Field(default=None, description="Speak TLS to clients. No TLS by default.")
    allow_plain_basic: Flag = Field(
        default=False, description="Passwords may cross the network readable on this listener. Default false."
    )

    @property
    def ip(self) -> IPv4Address | IPv6Address:
        """The address to bind."""
        return socket_address(self.address)[0]

    @property
    def port(self) -> int:
        """The port to bind; 0 for any free one."""
        return socket_address(self.address)[1]

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"address": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The short form is an address."""
        return either({"type": "string"}, handler.resolve_ref_schema(handler(schema)))


class PrivateNetworks(BaseModel):
    """Destinations in private ranges, which are refused unless they stand here."""

    model_config = CLOSED

    allow: tuple[PrivateNetwork, ...] = Field(default=(), description="Networks that may be reached. None by default.")


class Limits(BaseModel):
    """Caps and deadlines. Each default is one that was measured or that clients expect."""

    model_config = CLOSED

    head_bytes: Bytes = Field(
        default=65_536, le=1_048_576, description="Largest request head, bytes (64KiB works too). Default 65536."
    )
    head_seconds: Seconds = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="For a head that has begun, on either side, or to finish TLS, seconds, 0.1 to 120. Default 10.",
    )
    hello_seconds: Seconds = Field(
        default=5.0,
        ge=0.1,
        le=60,
        description="To begin in a tunnel: to send a whole ClientHello, seconds, 0.1 to 60. Default 5.",
    )
    dns_seconds: Seconds = Field(
        default=5.0, ge=0.1, le=30, description="To resolve a name, seconds, 0.1 to 30. Default 5."
    )
    connect_seconds: Seconds = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="To connect to an origin, TLS included, seconds, 0.1 to 120. Default 10.",
    )
    idle_seconds: Seconds = Field(
        default=120.0,
        ge=1,
        le=3600,
        description="A connection lives between two requests, seconds, 1 to 3600. Default 120.",
    )
    tunnel_idle_seconds: Seconds = Field(
        default=600.0,
        ge=1,
        description="A WebSocket, a pending answer or a tunnel that is passed through lives without a byte, seconds, "
        "1 to 86400. Default 600.",
    )
    drain_seconds: Seconds = Field(
        default=30.0, le=3600, description="Open requests may finish at a stop, seconds, at most 3600. Default 30."
    )
    connections_per_client: Whole = Field(
        default=256,
        ge=1,
        le=65_536,
        description="Open connections of one client address to one worker, which counts its own alone. Default 256.",
    )
    h2_streams: Whole = Field(
        default=100,
        ge=1,
        le=1000,
        description="Open requests on one HTTP/2 connection of a client; further ones are refused. Default 100.",
    )
    h2_resets_per_minute: Whole = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Requests that a client may take back on one HTTP/2 connection, a minute; then it is closed. "
        "Default 200.",
    )
    h2_floods_per_minute: Whole = Field(
        default=3,
        ge=1,
        le=1000,
        description="Connections of one client address that a worker closes for that, or for frames that carry "
        "nothing, a minute; beyond, the address gets HTTP/1.1 alone for a minute. Default 3.",
    )
    h2_window_bytes: Bytes = Field(
        default=1_048_576,
        ge=65_536,
        le=16 * 1024**2,
        description="How much of one HTTP/2 request or answer may be on its way, bytes (1MiB works too), 65536 to "
        "16 MiB, and sixteen times that on one connection. More is faster from origins far away and takes more memory. "
        "Default 1048576.",
    )
    body_bytes: Bytes = Field(
        default=4 * 1024**3,
        ge=1024**2,
        le=1024**5,
        description="Largest body of a request or an answer, bytes or a size in KiB, MiB or GiB (4GiB), 1MiB to "
        "1048576GiB. Bodies are passed on as they come, not kept. Default 4 GiB.",
    )
    websocket_message_bytes: Bytes = Field(
        default=16 * 1024**2,
        ge=65_536,
        le=64 * 1024**2,
        description="Largest WebSocket message, bytes (16MiB works too), 65536 to 64 MiB; each is held until it is "
        "whole. Default 16 MiB.",
    )
    spool_bytes: Bytes = Field(
        default=20 * 1024**3,
        ge=48 * 1024**2,
        description="Usage log that waits for the collector, bytes (20GiB works too), shared by the workers, at least "
        "48 MiB for each, since at an upgrade two workers write at once; when it is full everything is blocked. "
        "Default 20 GiB.",
    )
    recycle_connections: Whole = Field(
        default=200_000,
        ge=0,
        description="A worker that has taken this many connections is replaced by a fresh one, and ends when "
        "nothing is under way in it any more, after an hour at the latest; 0: never. Default 200000.",
    )
    recycle_bytes: Bytes = Field(
        default=2 * 1024**3,
        ge=256 * 1024**2,
        description="A worker that holds this much memory of its own is replaced as well, ten minutes after its start "
        "at the earliest, bytes (2GiB works too), at least 256 MiB. Default 2 GiB.",
    )


def _workers(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 256
    if value != "auto" and not whole:
        raise ValueError(f"{shown(value)}: write auto, or a number from 1 to 256")
    return value


class Proxy(BaseModel):
    """The proxy."""

    model_config = CLOSED

    listen: tuple[Listener, ...] = Field(
        default=(Listener(address="127.0.0.1:8080"),), description='Where clients come in. Default ["127.0.0.1:8080"].'
    )
    workers: Annotated[int | Literal["auto"], BeforeValidator(_workers)] = Field(
        default="auto", description="Processes that filter: auto (one per core), or a number. Default auto."
    )
    public_name: Host = Field(
        default="breakwater.internal",
        description="Host name under which the notice, the PAC file and the certificate are reached, also before "
        "sign-in. Default breakwater.internal.",
    )
    allow_ports: tuple[Whole, ...] = Field(default=(80, 443), description="Destination ports. Default [80, 443].")
    private_networks: PrivateNetworks = Field(
        default=PrivateNetworks(), description="Private destinations that may be reached. None by default."
    )
    approved_addresses: tuple[ApprovedAddress, ...] = Field(
        default=(),
        description="Destinations addressed by number; all others are refused, but those inside "
        "private_networks.allow. None by default.",
    )
    approved_tunnels: tuple[ApprovedTunnel, ...] = Field(
        default=(),
        description="Tunnels in which something other than web traffic is spoken; all others are closed. None by "
        "default.",
    )
    passthrough: tuple[PassthroughHost, ...] = Field(
        default=(), description="Hosts whose TLS is not opened; still filtered by name. None by default."
    )
    passthrough_starter: Flag = Field(
        default=True,
        description="Pass our starter list of pinned applications (updates, app stores, conferencing, state testing) "
        "through as well. Default true.",
    )
    passthrough_categories: tuple[CategoryId, ...] = Field(
        default=("finance", "health", "legal"),
        description="Categories whose hosts' TLS is not opened. Default [finance, health, legal].",
    )
    extra_trust: tuple[AbsolutePath, ...] = Field(
        default=(), description="PEM files added to the authorities that origins are verified with. None by default."
    )
    allow_plain_basic: Flag = Field(
        default=False, description="Passwords may cross the network readable on every listener. Default false."
    )
    transparent: Transparent = Field(
        default=Transparent(), description="For devices that can be told of no proxy (docs/decisions/0019)."
    )
    limits: Limits = Field(default=Limits(), description="Caps and deadlines.")

    @property
    def worker_count(self) -> int:
        """How many workers there are; with auto, one for each core that this process may use."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers

    @field_validator("public_name")
    @classmethod
    def _own_name(cls, value: str) -> str:
        why = "an address; a name is needed" if literal(value) else refusals.host(value)
        if why:
            raise ValueError(why)
        return value

    @field_validator("allow_ports")
    @classmethod
    def _web_ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        raise_all(refusals.ports(value))
        return value

    @field_validator("approved_tunnels")
    @classmethod
    def _one_protocol_a_place(cls, value: tuple[ApprovedTunnel, ...]) -> tuple[ApprovedTunnel, ...]:
        raise_all(refusals.tunnels((listed.host, listed.port) for listed in value))
        return value
