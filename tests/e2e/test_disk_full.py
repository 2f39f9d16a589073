"""A volume that fills up and is freed again, under load."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.load import Load, locked_out
from tests.e2e.pages import CHUNK
from tests.e2e.product import RECORD_SECONDS, wait_for
from tests.e2e.raw import Client, credentials
from tests.e2e.test_changes import Download
from usage_log.record import unrecorded_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

RESUMED = 10  # seconds, far above the one that it takes
LONG = "x" * 4000  # a path that makes a record of 4 KB
SEGMENTS_MIB = 60  # the spool's first two segments, twice over, and room to fill


class Ballast:
    """Fills a volume to the last byte, and frees it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"

    def fill(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                self._write(file.fileno(), bytes(size))

    def _write(self, fd: int, block: bytes) -> None:
        try:
            while os.write(fd, block) == len(block):
                pass
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise

    def free(self) -> None:
        self._file.unlink()

    def give_back(self, size: int) -> None:
        """Frees a part."""
        os.truncate(self._file, self._file.stat().st_size - size)


@pytest.fixture
def confined(stopped_product: Product, product: Product) -> Iterator[Product]:
    """One worker, not started, so that its one spool fills up soon."""
    stopped_product.settings["proxy"]["workers"] = 1
    stopped_product.write()
    stopped_product.state.mkdir(mode=0o700)
    shutil.copy2(product.state / "accounts.json", stopped_product.state / "accounts.json")
    yield stopped_product
    stopped_product.end_successor()


def test_a_full_spool_blocks_what_is_new_finishes_what_is_open_and_resumes_by_itself(
    confined: Product, network: Network
) -> None:
    confined.volume = ("spool", SEGMENTS_MIB)
    product, blocked, new = confined.start(), network.fresh("blocked.test"), network.fresh("allowed.test")
    with Load.of(product, network, rate=30) as load, Download(product, network) as download:
        ballast = Ballast(product.seen("spool"))
        with locked_out(product):  # else the collector would make room by storing what lies in the spool
            ballast.fill()
            use_up(product, network.plain_url(blocked, f"/{LONG}"))

            with Client(product) as client:
                answer = client.get(network.plain_url(new, "/while-full"), credentials("ana"))
            assert (answer.status, "error.usage-log" in answer.text) == (503, True)
            with Client(product) as client:
                answer = client.connect(f"{new}:{network.tls_port}", credentials("ana"))
            assert (answer.status, "error.usage-log" in answer.text) == (503, True)
            assert download.finish() == 2 * CHUNK
            said = "it cannot keep further records"  # a moment later: workers say how they are once a second
            wait_for(lambda: said in product.command("doctor", "--json").stdout, RECORD_SECONDS, "doctor to say so")

        ballast.free()
        wait_for(lambda: get(product, network.plain_url(new, "/after")) == 200, RESUMED, "the traffic to resume")
        freed = time.monotonic()
        wait_for(lambda: load.answered[-1].at > freed + 1, RESUMED, "the load to go on")
    assert "/while-full" not in [path for origin in network.plain.values() for path in origin.paths()]
    assert "/while-full" not in [path for origin in network.origins.values() for path in origin.paths()]
    assert_recorded_once(load)
    rows = product.recorded(2, host=download.host)
    assert [(row["event"], row["outcome"]) for row in rows] == [("decision", "ok"), ("end", "ok")]


def use_up(product: Product, url: str) -> None:
    """Asks for what is blocked until the filter has no room for its records."""
    with Client(product) as client:
        for _ in range(20_000):
            status = client.get(url, credentials("ana")).status
            if status == 503:
                return
            assert status == 403
    raise AssertionError("the spool never filled up")


def get(product: Product, url: str) -> int:
    with Client(product) as client:
        return client.get(url, credentials("ana")).status


def assert_recorded_once(load: Load) -> None:
    assert load.broken == []
    assert [refused for refused in load.refused if "HTTP/1.1 503" not in refused] == []
    assert load.statuses().keys() == {200, 503}
    passed = {each.path for each in load.answered if each.status == 200}
    wait_for(lambda: passed <= load.decisions().keys(), RECORD_SECONDS, "every record")
    assert {path: count for path, count in load.decisions().items() if count != 1} == {}


def test_a_full_log_volume_blocks_nothing_while_the_spool_has_room(confined: Product, network: Network) -> None:
    confined.volume = ("log", 24)
    product = confined.start()
    with Load.of(product, network, rate=60) as load:
        ballast = Ballast(product.seen("log"))
        ballast.fill()
        wait_for(lambda: "cannot store records" in product.output, RECORD_SECONDS, "the collector to notice")
        time.sleep(3)
        assert load.missing()
        ballast.free()
    assert (load.broken, load.statuses().keys()) == ([], {200})
    assert Counter(load.recorded().values()).keys() == {1}
    product.stop()


def test_freeing_a_little_room_is_enough_for_the_collector_to_empty_the_spool(
    confined: Product, network: Network
) -> None:
    """Spool and day files on one small volume: the spool may not take the room that storing its records needs."""
    confined.volume = ("log", 60)
    (confined.state / "spool").symlink_to("log")
    confined.settings["proxy"]["limits"] = {"spool_bytes": 96 << 20}
    confined.write()
    product, blocked = confined.start(), network.fresh("blocked.test")
    url = network.plain_url(blocked, f"/{LONG}")
    ballast = Ballast(product.seen("log"))
    ballast.fill()
    use_up(product, url)
    ballast.give_back(28 << 20)
    wait_for(lambda: get(product, url) == 403, RESUMED, "the traffic to resume")
    [collector] = product.children("usage_log.collector")
    os.kill(collector, signal.SIGSTOP)  # the spool grows faster than it is emptied
    use_up(product, url)
    os.kill(collector, signal.SIGCONT)

    def stored() -> bool:
        status = json.loads((product.state / "run" / "status.json").read_text())
        return (status["collector"]["trouble"], status["collector"]["oldest_unread_seconds"]) == (None, 0.0)

    wait_for(stored, RECORD_SECONDS, "all to be stored", lambda: product.output)
    product.stop()


def test_requests_refused_without_a_record_are_counted_though_the_worker_ends_before_there_is_room(
    confined: Product, network: Network
) -> None:
    confined.volume = ("spool", SEGMENTS_MIB)
    product, blocked = confined.start(), network.fresh("blocked.test")
    url, refused = network.plain_url(blocked, f"/{LONG}"), 1
    ballast = Ballast(product.seen("spool"))
    with locked_out(product):
        ballast.fill()
        use_up(product, url)
        with Client(product) as client:
            for _ in range(4000):
                assert client.get(url, credentials("ana")).status == 503
                refused += 1
        product.done("upgrade")
    ballast.free()

    def told() -> int:
        rows = product.records(reason="error.usage-log")
        counts = [unrecorded_count(row["reason"], row["detail"]) for row in rows]
        return sum(count or 1 for count in counts)

    wait_for(lambda: told() == refused, RECORD_SECONDS, f"{refused} requests", told)
    assert json.loads(product.done("audit", "summary", "--json"))["unrecorded"] > 1000
    product.stop()
