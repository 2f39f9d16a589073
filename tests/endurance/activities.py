"""What people do all day, each as a thread: pages, downloads, WebSockets; and what goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import playwright.async_api

from tests.e2e.browser import open_browser, open_page, trusting_home
from tests.e2e.raw import Client, Http2Client, credentials

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product
    from tests.e2e.raw import Response
    from tests.endurance.ledger import Ledger

#: What a client sees when its worker is killed under it: anything else is a finding.
CUT = (ConnectionError, EOFError, ssl.SSLError, TimeoutError)
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
_SWAPPED = "swapped.test"


@dataclass(frozen=True)
class Day:
    """What every activity needs. `over` is set when the day ends."""

    product: Product
    network: Network
    ledger: Ledger
    over: threading.Event
    kill_seconds: float  # between two kills

    def rounds(self, seconds: float) -> Iterator[int]:
        """Count until the day is over, waiting a little between the rounds."""
        number = 0
        while not self.over.wait(seconds):
            number += 1
            yield number

    def signed(self) -> str:
        return credentials(random.choice(["ana", "ben"]))


def plain_pages(day: Day) -> None:
    """Pages over plain HTTP on a kept connection."""
    for _ in day.rounds(0.02):
        with _cut_allowed(day, "plain"), Client(day.product) as client:
            for _ in range(random.randint(1, 60)):
                path = day.ledger.path("plain")
                answer = client.get(day.network.plain_url("allowed.test", path), day.signed())
                _expect(day, path, answer.status, 200)
                time.sleep(0.01)


def tls_pages(day: Day) -> None:
    """Pages over intercepted TLS, HTTP/1.1, on a kept connection."""
    target = f"older.test:{day.network.tls_port}"
    for _ in day.rounds(0.02):
        with _cut_allowed(day, "tls"), Client(day.product) as client:
            client.connect(target, day.signed())
            client.start_tls("older.test")
            for _ in range(random.randint(1, 40)):
                path = day.ledger.path("tls")
                _expect(day, path, client.inside(target, path).status, 200)
                time.sleep(0.01)


def h2_pages(day: Day) -> None:
    """Pages over HTTP/2, several streams at once."""
    target = f"allowed.test:{day.network.tls_port}"
    for _ in day.rounds(0.05):
        with _cut_allowed(day, "h2"), Client(day.product) as client:
            client.connect(target, day.signed())
            client.start_tls("allowed.test", "h2")
            http = Http2Client(client)
            for _ in range(random.randint(1, 10)):
                paths = [day.ledger.path("h2") for _ in range(random.randint(1, 8))]
                for path, answer in zip(paths, http.get(*((target, path) for path in paths)), strict=True):
                    _expect(day, path, answer.status, 200)
                time.sleep(0.05)


def blocked_pages(day: Day) -> None:
    """Pages that are blocked: by host, and by path inside TLS."""
    for _ in day.rounds(0.1):
        with _cut_allowed(day, "blocked"), Client(day.product) as client:
            path = day.ledger.path("blocked")
            answer = client.get(day.network.plain_url("blocked.test", path), day.signed())
            _expect(day, path, answer.status, 403)


def downloads(day: Day) -> None:
    """20 MiB over plain HTTP, TLS and HTTP/2 in turn."""
    size = 20 * 2**20
    for number in day.rounds(0.5):
        path = day.ledger.path(f"bytes/{size}")
        with _cut_allowed(day, "download"), Client(day.product) as client:
            answer = (_plain_download, _tls_download, _h2_download)[number % 3](day, client, path)
            assert len(answer.body) == size
            _expect(day, path, answer.status, 200)


def _plain_download(day: Day, client: Client, path: str) -> Response:
    return client.get(day.network.plain_url("allowed.test", path), day.signed())


def _tls_download(day: Day, client: Client, path: str) -> Response:
    target = f"older.test:{day.network.tls_port}"
    client.connect(target, day.signed())
    client.start_tls("older.test")
    return client.inside(target, path)


def _h2_download(day: Day, client: Client, path: str) -> Response:
    target = f"allowed.test:{day.network.tls_port}"
    client.connect(target, day.signed())
    client.start_tls("allowed.test", "h2")
    (answer,) = Http2Client(client).get((target, path))
    return answer


def sockets(day: Day) -> None:
    """WebSockets with a few hundred messages each."""
    target = f"older.test:{day.network.tls_port}"
    for _ in day.rounds(0.2):
        path = day.ledger.path("socket")
        with _cut_allowed(day, "socket"), Client(day.product) as client:
            client.connect(target, day.signed())
            client.start_tls("older.test")
            answer = client.inside(target, path, _UPGRADE)
            for _ in range(random.randint(1, 300)):
                client.send(b"\x81\x85\x00\x00\x00\x00hello")
                assert client.exactly(7) == b"\x81\x05hello"
                time.sleep(0.005)
            client.send(b"\x88\x80\x00\x00\x00\x00")
            client.rest()
            _expect(day, path, answer.status, 101)


def browsing(day: Day) -> None:
    """Chromium: a page with a style sheet, a script and an image, each time in a new profile."""
    asyncio.run(_browse(day))


async def _browse(day: Day) -> None:
    home = trusting_home(day.product.folder / "home", day.product.authority)
    async with open_browser(home, day.product) as browser:
        while not day.over.is_set():
            try:
                async with open_page(browser, day.product) as page:
                    await page.goto(day.network.url("allowed.test"))
                    assert await page.inner_text("#script") == "script ran"
                day.ledger.count("browser pages")
            except playwright.async_api.Error as error:
                day.ledger.count(f"cut: browser ({error.message.splitlines()[0][:60]})")
            await asyncio.sleep(1)


def swaps(day: Day) -> None:
    """A list that changes: the new entry blocks, and is let go again."""
    entries = day.product.folder / "lists" / "gambling.txt"
    usual = entries.read_text()
    for number in day.rounds(10):
        blocked = number % 2 == 1
        entries.write_text(usual + (f"{_SWAPPED}\n" if blocked else ""))
        day.product.done("lists", "update")
        _wait_for_swap(day, 403 if blocked else 502)
        day.ledger.count("swaps")


def _wait_for_swap(day: Day, wanted: int) -> None:
    end = time.monotonic() + 20
    status = 0
    while status != wanted:
        assert time.monotonic() < end, f"a changed list is not in force: {status} instead of {wanted}"
        with _cut_allowed(day, "swap"), Client(day.product) as client:
            status = client.get(f"http://{_SWAPPED}:{day.network.plain_port}/", day.signed()).status
        time.sleep(0.2)


def kills(day: Day) -> None:
    """kill -9 of a worker and of the collector, in turn."""
    for number in day.rounds(day.kill_seconds):
        module, what = (("proxy.worker", "workers"), ("usage_log.collector", "collectors"))[number % 2 == 0]
        for pid in day.product.children(module)[:1]:  # none while it waits for its next start
            os.kill(pid, signal.SIGKILL)
            day.ledger.count(f"{what} killed")


def _expect(day: Day, path: str, status: int, wanted: int) -> None:
    if status == wanted:
        day.ledger.answered(path)
    else:
        day.ledger.count(f"status {status} instead of {wanted}")


@contextlib.contextmanager
def _cut_allowed(day: Day, kind: str) -> Iterator[None]:
    """A client whose worker is killed is cut; that is counted, and no finding."""
    try:
        yield
    except CUT:
        day.ledger.count(f"cut: {kind}")


ALL = (
    plain_pages,
    plain_pages,
    tls_pages,
    tls_pages,
    h2_pages,
    blocked_pages,
    downloads,
    sockets,
    browsing,
    swaps,
    kills,
)
