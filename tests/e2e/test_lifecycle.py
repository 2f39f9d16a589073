"""Processes end and begin while clients go on asking: nobody is refused, and no record is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.tenure import in_charge
from tests.e2e.load import Load
from tests.e2e.network import free_port
from tests.e2e.pages import CHUNK
from tests.e2e.product import PASSWORDS, alive, wait_for
from tests.e2e.raw import Client, credentials
from tests.e2e.test_changes import Download, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

STARTED = 60  # seconds, far above what it takes


@pytest.fixture
def upgraded(own_product: Product) -> Iterator[Product]:
    """A running filter whose supervisor may be replaced: what is in charge at the end is ended."""
    yield own_product
    own_product.end_successor()
    assert "Traceback" not in own_product.output, own_product.output


def workers(product: Product) -> list[int]:
    file = product.state / "run" / "status.json"
    wait_for(file.exists, STARTED, "the workers' word", lambda: product.output)
    return [each["pid"] for each in json.loads(file.read_text())["workers"]]


def nothing_lost(load: Load) -> None:
    """No connection was refused or broken off, no record is missing, none is there twice."""
    assert (load.refused, load.broken) == ([], [])
    assert set(load.statuses()) == {200}
    assert load.recorded() == Counter(each.path for each in load.answered)


class Http2:
    """curl, which asks ten times a second over one kept connection, and knows what GOAWAY means."""

    def __init__(self, product: Product, network: Network) -> None:
        url = network.url(network.fresh("allowed.test"), "/[1-9999]")
        proxy = ["--proxy", f"http://127.0.0.1:{product.port}", "--proxy-user", f"ana:{PASSWORDS['ana']}"]
        said = ["-w", "%{stderr}%{http_code} %{http_version}\n", "-o", "/dev/null", "-sS", "--fail-early"]
        self._command = ["curl", *proxy, *said, "--rate", "10/s", "--cacert", str(product.authority), url]
        self._file = product.folder / "http2.txt"

    def __enter__(self) -> Http2:
        with self._file.open("wb") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=subprocess.STDOUT)
        wait_for(lambda: len(self.answers()) > 5, STARTED, "curl", self._file.read_text)
        return self

    def __exit__(self, *_: object) -> None:
        still = self._process.poll() is None
        self._process.terminate()
        self._process.wait(STARTED)
        assert still, self._file.read_text()

    def answers(self) -> list[str]:
        return self._file.read_text().splitlines()


def test_an_upgrade_under_load_refuses_nobody(upgraded: Product, network: Network) -> None:
    product = upgraded
    before, old = in_charge(product.state).pid, workers(product)
    with Load.of(product, network, 50, anew=6) as load, Http2(product, network) as http2:
        product.done("upgrade")
        assert in_charge(product.state).pid != before
        assert product.ended() == 0, product.output
        time.sleep(2)
    nothing_lost(load)
    assert set(http2.answers()) == {"200 2"}
    wait_for(lambda: not any(alive(pid) for pid in old), STARTED, "the old workers to end")
    assert not set(old) & set(workers(product))


def test_an_upgrade_that_is_refused_changes_nothing(upgraded: Product, network: Network) -> None:
    product = upgraded
    before, old = in_charge(product.state).pid, workers(product)
    accounts = product.state / "accounts.json"
    good = accounts.read_bytes()
    accounts.write_text("{")
    refused = product.command("upgrade")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "the new version does not start, so the old one goes on" in refused.stderr
    assert "the upgrade came to nothing (exit code 4), so nothing changes" in product.output
    assert (in_charge(product.state).pid, workers(product)) == (before, old)
    with Client(product) as client:
        assert client.get(network.plain_url("allowed.test"), credentials("ana")).status == 200
    accounts.write_bytes(good)


def test_listeners_change_with_an_upgrade_and_not_before(upgraded: Product, network: Network) -> None:
    product = upgraded
    other = free_port("127.0.0.1")
    product.settings["proxy"]["listen"] = [f"127.0.0.1:{other}", f"127.0.0.1:{product.port}"]
    product.write()
    product.done("config", "apply", "--reason", "another port")
    os.kill(workers(product)[0], signal.SIGKILL)  # its successor must serve the listeners that there are
    wait_for(lambda: all(map(alive, workers(product))), STARTED, "the worker to be started again")
    assert not refused(product.tls_port)
    assert refused(other)
    product.done("upgrade")
    assert product.ended() == 0
    assert refused(product.tls_port)
    assert not refused(other)
    with Client(product) as client:
        assert client.get(network.plain_url("allowed.test"), credentials("ana")).status == 200


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_upgrade_needs_a_running_filter(stopped_product: Product) -> None:
    refused = stopped_product.command("upgrade")
    assert refused.returncode == 3
    assert "no breakwater runs here" in refused.stderr


def test_a_restart_behind_sockets_of_systemd_refuses_nobody(systemd_product: Product, network: Network) -> None:
    """The sockets are this process's, as they are systemd's in service: what comes meanwhile waits in their queue."""
    product = systemd_product.product
    with Load.of(product, network, 50, anew=6) as load:
        product.stop()
        product.start()
        product.done("upgrade")
        assert product.ended() == 0
        time.sleep(1)
    nothing_lost(load)
    main = f"MAINPID={in_charge(product.state).pid}"
    told = systemd_product.told()
    assert told[:3] == ["READY=1", "STOPPING=1", "READY=1"]
    assert sorted(told[3:]) == [main, "READY=1"]  # by two processes, so in any order


@pytest.fixture
def systemd_product(upgraded: Product) -> Iterator[Systemd]:
    """A filter that is started as by a .socket unit, with the TLS listener first."""
    upgraded.stop()
    ports = (upgraded.tls_port, upgraded.port)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=512)) for port in ports]
        upgraded.fds = tuple(sock.fileno() for sock in sockets)
        hears = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        hears.bind(str(upgraded.folder / "notify"))
        upgraded.variables["NOTIFY_SOCKET"] = str(upgraded.folder / "notify")
        upgraded.start()
        yield Systemd(upgraded, hears)


@dataclass(frozen=True)
class Systemd:
    """What systemd would know of the filter."""

    product: Product
    hears: socket.socket

    def told(self) -> list[str]:
        """What it was told so far, in order (sd_notify(3))."""
        lines = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(self.hears.recv(1000, socket.MSG_DONTWAIT).decode())
        return lines


def test_workers_are_replaced_under_load_and_nothing_grows(own_product: Product, network: Network) -> None:
    product = own_product
    product.settings["proxy"]["limits"] = {"recycle_connections": 15, "drain_seconds": 5}
    product.write()
    product.done("config", "apply", "--reason", "short lives")  # takes effect without a restart
    seen = {tuple(workers(product))}
    before = descriptors(product.process.pid)
    with Load.of(product, network, 50, anew=6) as load:
        memory = product.worker_memory()
        wait_for(lambda: seen.add(tuple(workers(product))) or len(generations(seen)) >= 6, STARTED, "4 replacements")
        told = json.loads(product.command("doctor", "--json").stdout)
        assert [each["level"] for each in told["findings"] if each["name"] == "workers"] == ["ok"], told
    nothing_lost(load)
    product.settings["proxy"]["limits"] = {"drain_seconds": 5}
    product.write()
    product.done("config", "apply", "--reason", "long lives")
    wait_for(lambda: len(children(product.process.pid)) == 3, STARTED, "the old workers to end")
    assert descriptors(product.process.pid) == before
    assert product.worker_memory() < memory * 1.5


def test_what_is_under_way_outlives_its_worker_in_service(own_product: Product, network: Network) -> None:
    """A worker that was replaced is no worker that stops: it finishes its work, and hears of a new policy meanwhile."""
    product, old = own_product, workers(own_product)
    with Download(product, network) as download, Client(product) as tunnel:
        assert tunnel.connect(f"bank.test:{network.tls_port}", credentials("ana")).status == 200
        tunnel.start_tls("bank.test", trust=network.authority.file)
        recycle(product, network, {"recycle_connections": 1, "drain_seconds": 1}, old)
        time.sleep(3)
        assert tunnel.inside(f"bank.test:{network.tls_port}").status == 200
        (product.folder / "lists" / "gambling.txt").write_text("casino.test\nbank.test\n")
        product.done("lists", "update")
        assert tunnel.closed_within(3)
        assert download.finish() == CHUNK * 2
    wait_for(lambda: not any(alive(pid) for pid in old), STARTED, "the old workers to end")
    row = product.recorded(2, host=download.host)[-1]
    assert (row["event"], row["outcome"], row["bytes_out"]) == ("end", "ok", 2 * len(CHUNK))


def test_downloads_of_every_kind_outlive_their_worker(own_product: Product, network: Network) -> None:
    product, old = own_product, workers(own_product)
    hosts = {kind: network.fresh("older.test") for kind in ("http", "https", "h2")}
    with contextlib.ExitStack() as stack:
        downloads = {kind: stack.enter_context(curl(product, network, kind, host)) for kind, host in hosts.items()}
        recycle(product, network, {"recycle_connections": 1, "drain_seconds": 1}, old)
        time.sleep(3)
        for kind, download in downloads.items():
            network.runner.gate.release(hosts[kind])
            told, _ = download.communicate(timeout=STARTED)
            assert (told, download.returncode) == (f"200 {2 * len(CHUNK)}", 0), kind
    wait_for(lambda: not any(alive(pid) for pid in old), STARTED, "the old workers to end")


def curl(product: Product, network: Network, kind: str, host: str) -> subprocess.Popen[str]:
    """A download that waits for its second half; its status and size are what it tells."""
    file = product.folder / f"{kind}.part"
    url = (network.plain_url if kind == "http" else network.url)(host, f"/held/{host}")
    proxy = ["--proxy", f"http://127.0.0.1:{product.port}", "--proxy-user", f"ana:{PASSWORDS['ana']}"]
    told = ["-w", "%{stderr}%{http_code} %{size_download}", "-o", str(file), "-sSN"]
    version = "--http2" if kind == "h2" else "--http1.1"
    command = ["curl", *proxy, *told, version, "--cacert", str(product.authority), url]
    download = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: file.exists() and file.stat().st_size, STARTED, "the first half")
    return download


def test_a_stop_drains_a_worker_that_was_replaced_too(own_product: Product, network: Network) -> None:
    product, old = own_product, workers(own_product)
    with Download(product, network) as download:
        recycle(product, network, {"recycle_connections": 1, "drain_seconds": 1}, old)
        assert any(alive(pid) for pid in old)
        product.terminate()
        assert product.ended() == 0, product.output
    assert not any(alive(pid) for pid in old)
    row = product.records(host=download.host)[-1]
    assert (row["event"], row["outcome"]) == ("end", "drain"), "it was cut off, and did not leave"


def recycle(product: Product, network: Network, limits: dict[str, int], old: list[int]) -> None:
    """Let the settings replace the workers: each as soon as it has taken a connection."""
    product.settings["proxy"]["limits"] = limits
    product.write()
    product.done("config", "apply", "--reason", "short lives")

    def replaced() -> bool:
        return status(product, network, network.fresh("allowed.test")) == 200 and not set(old) & set(workers(product))

    wait_for(replaced, STARTED, "the workers to be replaced")


def generations(seen: set[tuple[int, ...]]) -> set[int]:
    return {pid for each in seen for pid in each}


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_supervisor_that_is_killed_leaves_nobody_and_the_next_one_starts_at_once(
    own_product: Product, network: Network
) -> None:
    product = own_product
    old = children(product.process.pid)
    assert len(old) == 3
    with Load.of(product, network, 50, anew=6) as load:
        product.kill()
        product.start()
        wait_for(lambda: not any(alive(pid) for pid in old), STARTED, "workers and collector to end")
        since = time.monotonic()
        wait_for(lambda: load.answered[-1].at > since + 1, STARTED, "answers of the new workers")
    found = load.recorded()
    assert set(found) >= {each.path for each in load.answered}
    assert set(found.values()) == {1}
