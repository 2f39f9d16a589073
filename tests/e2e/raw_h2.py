"""One HTTP/2 request inside an open tunnel, frame by frame as a test says, whether HTTP/2 allows it or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.raw import Client

Fields = list[tuple[bytes, bytes]]


@dataclass
class Answered:
    """What came back: a status of 0 for none, and whether the stream or the connection was cut."""

    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    reset: bool = False
    gone: bool = False


def head(authority: str, path: str = "/page", method: str = "GET", *more: tuple[bytes, bytes]) -> Fields:
    named = ((":method", method), (":scheme", "https"), (":authority", authority), (":path", path))
    return [*((name.encode(), value.encode("latin-1")) for name, value in named), *more]


def exchange(
    client: Client, fields: Fields, body: Iterable[bytes] | None = None, trailers: Fields | None = None
) -> Answered:
    """`body` None ends the stream with its head; an empty piece of it is an empty DATA frame."""
    connection = _connection(client)
    _send(client, connection, fields, body, trailers)
    return receive(client, connection)


def _connection(client: Client) -> h2.connection.H2Connection:
    lenient = h2.config.H2Configuration(
        header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    connection = h2.connection.H2Connection(lenient)
    connection.initiate_connection()
    client.send(connection.data_to_send())
    return connection


def _send(
    client: Client,
    connection: h2.connection.H2Connection,
    fields: Fields,
    body: Iterable[bytes] | None,
    trailers: Fields | None,
) -> None:
    connection.send_headers(1, fields, end_stream=body is None)
    for piece in body or ():
        connection.send_data(1, piece)
    if trailers is not None:
        connection.send_headers(1, trailers, end_stream=True)
    elif body is not None:
        connection.end_stream(1)
    client.send(connection.data_to_send())


def receive(client: Client, connection: h2.connection.H2Connection) -> Answered:
    answered = Answered()
    while not (answered.whole or answered.reset or answered.gone):
        data = client.read()
        if not data:
            answered.gone = True
        for event in connection.receive_data(data):
            _note(answered, connection, event)
        client.send(connection.data_to_send())
    return answered


def _note(answered: Answered, connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
    if isinstance(event, h2.events.ResponseReceived):
        answered.fields = dict(event.headers)
        answered.status = int(answered.fields[":status"])
    elif isinstance(event, h2.events.DataReceived):
        answered.body += event.data
        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, h2.events.TrailersReceived):
        answered.trailers = dict(event.headers)
    elif isinstance(event, h2.events.StreamEnded):
        answered.whole = True
    elif isinstance(event, h2.events.StreamReset):
        answered.reset = True
    elif isinstance(event, h2.events.ConnectionTerminated):
        answered.gone = True
