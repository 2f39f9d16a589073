"""Fields that are about one connection only: what is left of a head when it goes on to the next hop.

RFC 9110, section 7.6.1: an intermediary removes every field that `Connection` nominates, and those that are known to
be about the connection whether nominated or not. What we say about our own connection is left: `close`, `keep-alive`,
and the one upgrade that can be filtered, `websocket`. Everything else in `Upgrade` is dropped, `h2c` above all: behind
it a client would speak to the origin past the filter (RFC 9113, section 3.1, has no use for it any more).
"""

from __future__ import annotations

Fields = tuple[tuple[bytes, bytes], ...]

#: Never sent on, nominated or not.
_ALWAYS = frozenset(
    {
        *(b"keep-alive", b"http2-settings", b"proxy-connection"),
        *(b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info"),
    }
)

_REWRITTEN = frozenset({b"connection", b"te", b"upgrade"})

#: Not taken out because a peer names them: they frame and address the message that was judged.
_KEPT = frozenset(
    {
        *(b"host", b"content-length", b"transfer-encoding", b"sec-websocket-accept", b"sec-websocket-extensions"),
        *(b"sec-websocket-key", b"sec-websocket-protocol", b"sec-websocket-version"),
    }
)

_OF_CONNECTION = _ALWAYS | _REWRITTEN


def sent_on(fields: Fields) -> Fields:
    """Give the fields that the next hop may see, in their order; the same tuple where nothing has to go."""
    if not any(name.lower() in _OF_CONNECTION for name, _ in fields):
        return fields
    tokens = _tokens(fields, b"connection")
    dropped = _OF_CONNECTION | (tokens - _KEPT)
    kept = tuple(field for field in fields if field[0].lower() not in dropped)
    return kept + _ours(fields, tokens)


def asks_websocket(fields: Fields) -> bool:
    """True when a head asks for, or agrees to, the WebSocket protocol and no other (RFC 6455, section 4.1)."""
    return _tokens(fields, b"upgrade") == {b"websocket"}


def _ours(fields: Fields, tokens: frozenset[bytes]) -> Fields:
    """Say anew what is true of our own connection as well."""
    made = []
    if asks_websocket(fields):
        made += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    elif b"close" in tokens:
        made += [(b"Connection", b"close")]
    elif b"keep-alive" in tokens:
        made += [(b"Connection", b"keep-alive")]
    if b"trailers" in _tokens(fields, b"te"):
        made += [(b"te", b"trailers")]
    return tuple(made)


def _tokens(fields: Fields, name: bytes) -> frozenset[bytes]:
    """Give the members of a list field, in lower case (RFC 9110, section 5.6.1)."""
    values = (value for field, value in fields if field.lower() == name)
    return frozenset(token for value in values for each in value.split(b",") if (token := each.strip().lower()))
