"""Settings of the transparent listener, for devices that can be told of no proxy and give no password."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

from config import transparent_refusals
from config.approvals import Approval
from config.fields import CLOSED, Name, Network, SocketAddress


class TransparentNetwork(Approval):
    """A client network that is served without a user: its records carry this name instead."""

    name: Name = Field(description="How records call it. Required.")
    network: Network = Field(
        description="Inside a network of a school, at most half of it together, /22 or narrower (IPv6: /56). Required."
    )

    @field_validator("network")
    @classmethod
    def _narrow(cls, value: Network) -> Network:
        if why := transparent_refusals.network(value):
            raise ValueError(why)
        return value


class Transparent(BaseModel):
    """Connections that a router redirects to the filter (`breakwater firewall print --transparent`)."""

    model_config = CLOSED

    listen: tuple[SocketAddress, ...] = Field(
        default=(), description='Where redirected connections come in: ["0.0.0.0:8083", "[::]:8083"]. None by default.'
    )
    networks: tuple[TransparentNetwork, ...] = Field(
        default=(), description="The client networks that are served there; nobody else is. None by default."
    )
