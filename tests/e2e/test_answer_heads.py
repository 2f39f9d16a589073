"""The head of an answer has its time from its first byte; an origin may think for longer before it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hyperframe import frame as frames

from tests.e2e.lone_origin import SILENT, saying
from tests.e2e.raw import Client, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

HEAD_SECONDS, SOON = 2, 15  # the one is far below what else would end a connection, the other far above
STATUS = b"HTTP/1.1 200 OK\r\nX: "
SETTINGS = frames.SettingsFrame(0).serialize()
GOES_ON = frames.HeadersFrame(1, b"").serialize()
ON_AND_ON = frames.ContinuationFrame(1, b"").serialize() * 30
HEAD = frames.HeadersFrame(1, b"x" * 1000, flags=["END_HEADERS"]).serialize()

#: What an origin says: pieces of an answer, and the seconds before each.
Said = list[tuple[float, bytes]]


@pytest.fixture(scope="module")
def hurried(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running filter that gives a head little time."""
    own = product.beside(tmp_path_factory.mktemp("hurried"))
    own.settings["proxy"]["limits"] = {"head_seconds": HEAD_SECONDS}
    own.write()
    with own.running():
        yield own


def dripped(first: bytes, rest: bytes) -> Said:
    return [(0, first), *((0.2, bytes([byte])) for byte in rest[:100])]


@pytest.mark.parametrize(
    ("alpn", "said"),
    [
        ("http/1.1", [(0, STATUS)]),
        ("http/1.1", dripped(STATUS, b"x" * 100)),
        ("http/1.1", dripped(b"HTTP/1.1 103 Early Hints\r\n\r\n" + STATUS, b"x" * 100)),
        ("h2", [(0, SETTINGS + HEAD[:20])]),
        ("h2", dripped(SETTINGS + HEAD[:20], HEAD[20:])),
        ("h2", dripped(SETTINGS + GOES_ON, ON_AND_ON)),
    ],
    ids=["begins", "drips", "drips behind an interim answer", "h2 begins", "h2 drips", "h2 goes on and on"],
)
def test_an_answer_whose_head_does_not_end(hurried: Product, network: Network, alpn: str, said: Said) -> None:
    seen = len(hurried.records(host=SILENT, outcome="timeout"))
    with saying(network, alpn, *said), Client(hurried) as client:
        target = tunnel(client, network, SILENT)
        started = time.monotonic()
        assert client.inside(target, "/slow").status == 504
        assert HEAD_SECONDS * 0.9 < time.monotonic() - started < SOON
    row = hurried.recorded(seen + 1, host=SILENT, outcome="timeout")[-1]
    assert (row["user"], row["status"]) == ("ana", 504)


@pytest.mark.parametrize(
    "said",
    [
        [(HEAD_SECONDS * 2, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
        [
            (0, b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            (HEAD_SECONDS * 1.5, b"HTTP/1.1 102 Processing\r\n\r\n"),
            (HEAD_SECONDS * 1.5, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ],
    ],
    ids=["before it begins", "behind interim answers"],
)
def test_an_origin_may_think(hurried: Product, network: Network, said: Said) -> None:
    with saying(network, "http/1.1", *said), Client(hurried) as client:
        assert client.inside(tunnel(client, network, SILENT), "/slow").status == 200
        client.close()
