"""What a worker holds does not grow with its work: objects, descriptors, idle clients."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wsproto
import wsproto.events

from tests.e2e.product import Product, wait_for
from tests.e2e.raw import Client, Http2Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network

INSIDE = Path(__file__).with_name("inside")
REQUESTS, MESSAGES, ROUND = 1000, 2000, 50
IDLE = 300
DESCRIPTORS = 256

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


@pytest.fixture
def small_product(product: Product, network: Network, tmp_path: Path) -> Iterator[Product]:
    """One worker with 256 descriptors, which counts its objects at SIGRTMIN."""
    own = product.beside(tmp_path)
    own.settings["proxy"]["workers"] = 1
    own.write()
    own.limits = {resource.RLIMIT_NOFILE: (DESCRIPTORS, DESCRIPTORS)}
    own.variables = {"PYTHONPATH": str(INSIDE), "COUNTS": str(tmp_path / "counts")}
    with own.running():
        yield own


def worker(product: Product) -> int:
    (told,) = json.loads((product.state / "run" / "status.json").read_text())["workers"]
    return int(told["pid"])


def descriptors(product: Product) -> int:
    return len(list(Path(f"/proc/{worker(product)}/fd").iterdir()))


def counts(product: Product) -> dict[str, int]:
    """Living objects of the worker, by type, after a full collection."""
    file = Path(product.variables["COUNTS"])
    file.unlink(missing_ok=True)
    os.kill(worker(product), signal.SIGRTMIN)
    wait_for(file.exists, 20, "the counts", lambda: product.output)
    return dict(json.loads(file.read_text()))


def test_kept_connections_leave_nothing_behind_and_idle_ones_block_nobody(
    small_product: Product, network: Network
) -> None:
    """One start for both: a filter takes seconds to start."""
    product = small_product
    ask(product, network, 2)  # warm: caches, leaf certificates, the executor
    objects, before = counts(product), descriptors(product)
    hold(product, network)
    ask(product, network, REQUESTS // ROUND)
    wait_for(lambda: descriptors(product) <= before, 30, "descriptors to return", lambda: descriptors(product))
    after = counts(product)
    grown = {name: (objects.get(name, 0), count) for name, count in after.items() if count > objects.get(name, 0) + 2}
    assert grown == {}


def ask(product: Product, network: Network, rounds: int) -> None:
    """Requests over one kept h1 and one kept h2 connection, and messages over one WebSocket."""
    host = network.fresh("allowed.test")
    target = f"{host}:{network.tls_port}"
    with Client(product) as first, Client(product) as second, Client(product) as third:
        for client, alpn in ((first, "http/1.1"), (second, "h2"), (third, "http/1.1")):
            assert client.connect(target, credentials("ana")).status == 200
            client.start_tls(host, alpn)
        http2 = Http2Client(second)
        assert third.inside(target, "/echo-socket", UPGRADE).status == 101
        for number in range(rounds):
            for each in range(ROUND):
                assert first.inside(target, f"/{number}/{each}").status == 200
            answers = http2.get(*((target, f"/{number}/{each}") for each in range(ROUND)))
            assert {answer.status for answer in answers} == {200}
            echo(third, MESSAGES * ROUND // REQUESTS)
        if rounds > 2:
            held = counts(product)  # with all three open: what is finished is not kept
            for name in ("Exchange", "HTTPFlow", "HttpStream", "WebSocketMessage"):
                assert 1 <= held[name] < 10, held  # the WebSocket has one of each


def echo(client: Client, messages: int) -> None:
    socket_ = wsproto.Connection(wsproto.ConnectionType.CLIENT)
    for _ in range(messages):
        client.send(socket_.send(wsproto.events.TextMessage("again")))
    seen = 0
    while seen < messages:
        socket_.receive_data(client.read() or None)
        for event in socket_.events():
            assert isinstance(event, wsproto.events.TextMessage), event
            seen += event.message_finished


def hold(product: Product, network: Network) -> None:
    """More idle clients than the worker has descriptors: others are served as long as there is room, nobody crashes."""
    with contextlib.ExitStack() as idle:
        for number in range(IDLE):
            source = (f"127.0.1.{1 + number % 200}", 0)  # else the cap on one client comes first
            idle.enter_context(socket.create_connection(("127.0.0.1", product.port), 20, source))
        time.sleep(1)
        assert descriptors(product) < DESCRIPTORS * 0.9
        with Client(product) as late:
            late.send("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n")
            assert late.rest() == b"", "refused: closed without a word"
    wait_for(lambda: served(product, network), 30, "the next client to be served")
    assert "Traceback" not in product.output
    assert product.output.count("too many descriptors") <= 1


def served(product: Product, network: Network) -> bool:
    with Client(product) as client:
        try:
            return client.get(network.plain_url("allowed.test"), credentials("ana")).status == 200
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return False
