"""Bodies of HTTP/1.1, from both sides: what cannot be read ends the exchange, and nobody takes it for whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import ErrorCode, ReceiveHttp, _http1
from mitmproxy.proxy.layers.http._http1 import Http1Connection, Http1Server

from proxy.replaced.chunks import ChunkReader
from proxy.replaced.part import Part
from proxy.upstream import MALFORMED, ours

if TYPE_CHECKING:
    from collections.abc import Generator

    Commands = Generator[Any, Any, None]


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        Part(
            Http1Connection,
            "read_body",
            "aece271029af36e4b7eaf84aa17ddcf4ee0efb35e7f04c842c2a7333804a71f1",
            _read_body,
        ),
        Part(
            _http1,
            "make_body_reader",
            "9b076acda459637bde527694ba13bd723cb29ced1bb08e2673b9e4c64eca2471",
            _make_body_reader,
        ),
    )


def _read_body(self: Any, event: events.ConnectionEvent) -> Commands:
    """Read a body as stock does, but tell the stream what is wrong before the connection is closed.

    Stock closes first, so that a client whose chunk cannot be read gets no answer.
    """
    while True:
        try:
            ended = isinstance(event, events.ConnectionClosed)
            piece = self.body_reader.read_eof() if ended else self.body_reader(self.buf)
        except h11.ProtocolError as error:
            yield from _broken(self, "" if ended else str(error))
            return
        if isinstance(piece, h11.Data):
            yield ReceiveHttp(self.ReceiveData(self.stream_id, bytes(piece.data)))
        elif isinstance(piece, h11.EndOfMessage):
            if self.request.data.method.upper() != b"CONNECT":
                yield ReceiveHttp(self.ReceiveEndOfMessage(self.stream_id))
            of_client = isinstance(self, Http1Server)
            yield from self.mark_done(request=of_client, response=not of_client)
            return
        else:
            return


def _broken(connection: Any, malformed: str) -> Commands:
    """End an exchange whose body is malformed, or, where that is empty, has broken off."""
    connection.state = connection.done
    if isinstance(connection, Http1Server) and malformed:
        yield from _malformed(connection, malformed)
        return
    if isinstance(connection, Http1Server):
        text, code = "Client disconnected.", ErrorCode.CLIENT_DISCONNECTED
    else:
        text, code = malformed or "the origin broke off within a body", ErrorCode.GENERIC_SERVER_ERROR
    yield ReceiveHttp(connection.ReceiveProtocolError(connection.stream_id, text, code))
    yield commands.CloseConnection(connection.conn)


def _malformed(server: Any, why: str) -> Commands:
    """Let the stream answer, when it comes to it: it may be waiting for a hook. Its answer closes the connection."""
    if server.response_done:
        yield commands.CloseConnection(server.conn)
        return
    server.request_done = True
    text = ours(MALFORMED, why)
    yield ReceiveHttp(server.ReceiveProtocolError(server.stream_id, text, ErrorCode.GENERIC_CLIENT_ERROR))


_original_make_body_reader = _http1.make_body_reader


def _make_body_reader(expected_size: int | None) -> Any:
    """Read chunks with our own reader."""
    return ChunkReader() if expected_size is None else _original_make_body_reader(expected_size)
