"""WebSockets that carry a tunnel or a tracker are closed at the message that shows it; others carry what they like."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
import wsproto
from wsproto.events import AcceptConnection, BytesMessage, Message, Request, TextMessage

from tests.e2e.raw import Client, tunnel
from tests.proxy.detectors.test_websockets import ANNOUNCE, BARE, wisp

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

SOON = 15  # far above what it takes
CHAT = json.dumps({"type": "message", "text": "hello"})
SSH = (b"SS", b"H-", b"2.", b"0-OpenSSH_9.2\r\n")

#: What is sent in turn, and the reason at the last.
REFUSED: dict[str, tuple[tuple[str | bytes, ...], str]] = {
    "wisp": ((wisp(),), "bypass.websocket-tunnel"),
    "wisp behind a chat": ((CHAT, b"\1\2\3", wisp()), "bypass.websocket-tunnel"),
    "bare": ((json.dumps(BARE),), "bypass.websocket-tunnel"),
    "WebTorrent": ((json.dumps(ANNOUNCE),), "p2p.bittorrent"),
    "SSH in four messages": (SSH, "bypass.ssh"),
}
PASSED: dict[str, tuple[str | bytes, ...]] = {
    "JSON": (CHAT, json.dumps({"action": "announce", "channel": "news"})),
    "protobuf": (b"\x0a\x05hello\x10\x01", b"\x08\x96\x01"),
    "random bytes": tuple(random.Random(7).randbytes(size) for size in (1, 2, 8, 600, 9000)),
    "nothing": (b"", ""),
}


class Socket:
    """A WebSocket to an origin that says everything back."""

    def __init__(self, client: Client, target: str) -> None:
        self._client, self._ws = client, wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        client.send(self._ws.send(Request(host=target, target="/echo-socket")))
        while not any(isinstance(event, AcceptConnection) for event in self._ws.events()):
            self._ws.receive_data(client.read())

    def send(self, said: str | bytes, *, fragments: bool = False) -> None:
        kind = TextMessage if isinstance(said, str) else BytesMessage
        pieces = [said[at : at + 1] for at in range(len(said))] if fragments else [said]
        for number, piece in enumerate(pieces, start=1):
            self._client.send(self._ws.send(kind(data=piece, message_finished=number == len(pieces))))

    def echoed(self, said: str | bytes) -> bool:
        """Waits for a message; whether it is this one. False where the connection has ended."""
        heard: list[str | bytes] = []
        while True:
            for event in self._ws.events():
                if isinstance(event, Message):
                    heard.append(event.data)
                    if event.message_finished:
                        return type(said)().join(heard) == said  # type: ignore[arg-type]
            if not (data := self._client.read()):
                return False
            self._ws.receive_data(data)


@pytest.mark.parametrize("fragments", [False, True], ids=["whole", "in fragments"])
def test_tunnels_and_trackers_are_closed(product: Product, network: Network, fragments: bool) -> None:
    hosts = {}
    for name, (messages, _) in REFUSED.items():
        hosts[name] = network.fresh("older.test")
        with Client(product) as client:
            socket = Socket(client, tunnel(client, network, hosts[name]))
            for said in messages[:-1]:
                socket.send(said)
                assert socket.echoed(said), name
            socket.send(messages[-1], fragments=fragments)
            assert not socket.echoed(messages[-1]), name
            assert client.closed_within(SOON), name
    for name, (_, reason) in REFUSED.items():
        rows = product.recorded(host=hosts[name])
        assert [(row["action"], row["reason"], row["user"]) for row in rows] == [("block", reason, "ana")], name


def test_other_messages_come_back(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    for name, messages in PASSED.items():
        with Client(product) as client:
            socket = Socket(client, tunnel(client, network, host))
            for said in messages:
                socket.send(said)
                assert socket.echoed(said), (name, said[:20])
    rows = product.recorded(len(PASSED), host=host)
    assert {(row["action"], row["reason"]) for row in rows} == {("allow", "default")}
