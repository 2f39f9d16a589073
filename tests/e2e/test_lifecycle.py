"""Processes end and begin while clients go on asking: nobody is refused, and no record is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.tenure import in_charge
from tests.e2e.load import Load
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

STARTED = 60  # seconds, far above what it takes


@pytest.fixture
def upgraded(own_product: Product) -> Iterator[Product]:
    """A running filter whose supervisor may be replaced: what is in charge at the end is ended."""
    yield own_product
    successor = in_charge(own_product.state)
    if successor is not None and successor.pid != own_product.process.pid:
        os.kill(successor.pid, signal.SIGTERM)
        wait_for(lambda: not alive(successor.pid), STARTED, "the successor to end", lambda: own_product.output)
    assert "Traceback" not in own_product.output, own_product.output


def alive(pid: int) -> bool:
    """A process that has ended but was not waited for is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers(product: Product) -> list[int]:
    return [each["pid"] for each in json.loads((product.state / "run" / "status.json").read_text())["workers"]]


def nothing_lost(load: Load) -> None:
    """No connection was refused or broken off, no record is missing, none is there twice."""
    assert (load.refused, load.broken) == ([], [])
    assert set(load.statuses()) == {200}
    assert load.recorded() == Counter(each.path for each in load.answered)


def test_an_upgrade_under_load_refuses_nobody(upgraded: Product, network: Network) -> None:
    product = upgraded
    before, old = in_charge(product.state).pid, workers(product)
    with Load.of(product, network, 50, anew=6) as load:
        product.done("upgrade")
        assert in_charge(product.state).pid != before
        assert product.ended() == 0, product.output
        time.sleep(2)
    nothing_lost(load)
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
    product.done("upgrade")
    assert in_charge(product.state).pid != before


def test_an_upgrade_needs_a_running_filter(stopped_product: Product) -> None:
    refused = stopped_product.command("upgrade")
    assert refused.returncode == 3
    assert "no breakwater runs here" in refused.stderr


def test_a_restart_behind_sockets_of_systemd_refuses_nobody(systemd_product: Product, network: Network) -> None:
    """The sockets are this process's, as they are systemd's in service: what comes meanwhile waits in their queue."""
    product = systemd_product
    with Load.of(product, network, 50, anew=6) as load:
        product.stop()
        product.start()
        time.sleep(1)
    nothing_lost(load)


@pytest.fixture
def systemd_product(own_product: Product) -> Iterator[Product]:
    """A filter that is started as by a .socket unit, with the TLS listener first."""
    own_product.stop()
    ports = (own_product.tls_port, own_product.port)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=512)) for port in ports]
        own_product.fds = tuple(sock.fileno() for sock in sockets)
        own_product.start()
        yield own_product


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
        for _ in range(2):  # doctor must not alarm, whenever it looks
            told = json.loads(product.command("doctor", "--json").stdout)
            assert [each["level"] for each in told["findings"] if each["name"] == "workers"] == ["ok"], told
    nothing_lost(load)
    product.settings["proxy"]["limits"] = {"drain_seconds": 5}
    product.write()
    product.done("config", "apply", "--reason", "long lives")
    wait_for(lambda: len(children(product.process.pid)) == 3, STARTED, "the old workers to end")
    assert descriptors(product.process.pid) == before
    assert product.worker_memory() < memory * 1.5


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
