"""Fields of one connection never reach the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.hop_by_hop import asks_websocket, sent_on

CASES = {
    "nothing to do": ("Host: a, Accept: b", "Host: a, Accept: b"),
    "a nominated field goes": ("Connection: X-Secret, X-Secret: 1, X-Kept: 2", "X-Kept: 2"),
    "nominated in another case, and twice": (
        "X-ONE: 1, Connection: x-one, Connection: X-Two, x-two: 2, Y: 3", "Y: 3"
    ),
    "a nomination keeps the message the one that was judged": (
        "Host: a, Content-Length: 5, Cookie: c, Connection: host; content-length; cookie",
        "Host: a, Content-Length: 5",
    ),
    "close stays, in lower case, and alone": ("Connection: Close; X, X: 1", "Connection: close"),
    "keep-alive stays": ("Connection: Keep-Alive, Keep-Alive: timeout=5", "Connection: keep-alive"),
    "close is stronger": ("Connection: keep-alive; close", "Connection: close"),
    "what is the proxy's": (
        "Proxy-Authorization: p, Proxy-Connection: keep-alive, Proxy-Authenticate: q, "
        "Proxy-Authentication-Info: r, A: 1", "A: 1",
    ),
    "h2c goes with its settings": ("Connection: Upgrade; HTTP2-Settings, Upgrade: h2c, HTTP2-Settings: AAMAAABk", ""),
    "its settings alone": ("HTTP2-Settings: AAMAAABk", ""),
    "an upgrade to TLS": ("Connection: upgrade, Upgrade: TLS/1.2", ""),
    "a WebSocket goes on": (
        "Connection: keep-alive; Upgrade, Upgrade: WebSocket, Sec-WebSocket-Key: k",
        "Sec-WebSocket-Key: k, Connection: Upgrade, Upgrade: websocket",
    ),
    "a WebSocket or something else": ("Connection: Upgrade, Upgrade: websocket; h2c", ""),
    "an upgrade in two fields": ("Connection: Upgrade, Upgrade: websocket, Upgrade: h2c", ""),
    "trailers": ("TE: trailers; deflate;q=0.5, A: 1", "A: 1, te: trailers"),
    "other codings": ("TE: gzip, A: 1", "A: 1"),
}  # fmt: skip


def fields(text):
    """`;` stands for the comma inside a value."""
    pairs = (line.split(": ", 1) for line in text.split(", ") if line)
    return tuple((name.encode(), value.replace(";q=", "|").replace(";", ",").replace("|", ";q=").encode())
                 for name, value in pairs)  # fmt: skip


@pytest.mark.parametrize(("given_", "left"), CASES.values(), ids=CASES.keys())
def test_what_is_sent_on(given_, left):
    assert sent_on(fields(given_)) == fields(left)


NAMES = st.sampled_from([b"Connection", b"Upgrade", b"TE", b"X-A", b"x-b", b"Keep-Alive", b"Host", b"HTTP2-Settings"])
VALUES = st.lists(
    st.sampled_from([b"x-a", b"X-B", b"close", b"websocket", b"h2c", b"trailers", b"", b"host"]), max_size=3
).map(b", ".join)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8).map(tuple))
def test_twice_is_once_and_nothing_nominated_is_left(fields):
    once = sent_on(fields)
    assert sent_on(once) == once
    names = [name.lower() for name, _ in once]
    assert not {b"keep-alive", b"http2-settings"}.intersection(names)
    nominated = {
        token.strip().lower() for name, value in fields if name == b"Connection" for token in value.split(b",")
    }
    assert not {b"x-a", b"x-b"}.intersection(nominated).intersection(names)
    assert all(value == b"websocket" for name, value in once if name.lower() == b"upgrade")
    assert asks_websocket(once) == (b"upgrade" in names)
