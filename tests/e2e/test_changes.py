"""What happens to connections while settings and lists change, and when the filter stops."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING

from proxy.identity.accounts import load_accounts
from proxy.status import read_statuses
from tests.e2e.pages import CHUNK
from tests.e2e.product import RECORD_SECONDS, wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

SWITCHED = 10  # seconds, far above the one or two that it takes


class Download:
    """A download that stands still in the middle of its body until the test releases it."""

    def __init__(self, product: Product, network: Network) -> None:
        self.host, self._network = network.fresh("older.test"), network
        self._client = Client(product)
        assert self._client.connect(f"{self.host}:{network.tls_port}", credentials("ana")).status == 200
        self._client.start_tls(self.host)
        authority = f"{self.host}:{network.tls_port}"
        self._client.send(f"GET /held/{self.host} HTTP/1.1\r\nHost: {authority}\r\n\r\n")
        self._first = self._client.read()
        assert self._first.startswith(b"HTTP/1.1 200")

    def finish(self) -> bytes:
        """Lets the origin send the rest; the whole body."""
        self._network.runner.gate.release(self.host)
        data = self._first
        while data.count(b"\r\n\r\n") == 0 or len(data.split(b"\r\n\r\n", 1)[1]) < 2 * len(CHUNK):
            more = self._client.read()
            assert more, f"the download broke off after {len(data)} bytes"
            data += more
        return data.split(b"\r\n\r\n", 1)[1]

    def another(self, path: str) -> int:
        """Status of a further request on the same connection."""
        return self._client.inside(f"{self.host}:{self._network.tls_port}", path).status

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def status(product: Product, network: Network, host: str) -> int:
    with Client(product) as client:
        return client.get(network.plain_url(host), credentials("ana")).status


def test_an_edit_alone_changes_nothing_and_an_applied_one_does(own_product: Product, network: Network) -> None:
    product, host = own_product, network.fresh("allowed.test")
    with Download(product, network) as download:
        new = {"name": "new", "format": "domains", "path": "lists/new.txt", "category": "gambling"}
        product.settings["lists"].append(new)
        (product.folder / "lists" / "new.txt").write_text(f"{host}\n")
        product.write()
        time.sleep(2.5)
        assert status(product, network, host) == 200

        product.done("config", "apply", "--reason", "a new list")
        wait_for(lambda: status(product, network, host) == 403, SWITCHED, "the new rule", lambda: product.output)
        assert download.finish() == CHUNK * 2
        assert download.another("/page") == 200
    wait_for(lambda: bool(product.records(host=host, action="block", policy_revision=2)), RECORD_SECONDS, "its record")
    history = product.done("config", "history")
    assert "a new list" in history


def test_what_is_open_is_closed_when_it_is_blocked(own_product: Product, network: Network) -> None:
    product, host = own_product, network.fresh("older.test")
    echo, tunnel = Client(product), Client(product)
    with echo, tunnel:
        assert echo.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        echo.start_tls(host)
        key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        key += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        assert echo.inside(f"{host}:{network.tls_port}", "/echo-socket", key).status == 101
        assert tunnel.connect(f"bank.test:{network.tls_port}", credentials("ana")).status == 200
        tunnel.start_tls("bank.test", trust=network.authority.file)
        (product.folder / "lists" / "gambling.txt").write_text(f"casino.test\n{host}\nbank.test\n")
        product.done("lists", "update")
        assert echo.closed_within(SWITCHED)
        assert tunnel.closed_within(SWITCHED)
    [row] = product.recorded(host="bank.test", event="decision")  # its end is a second row, after a second
    assert row["action"] == "passthrough"
    assert status(product, network, "bank.test") == 403


def test_a_disabled_user_is_cut_off(own_product: Product, network: Network) -> None:
    """Both from a tunnel that is passed through and from one that is opened, with nothing under way in it."""
    product, host = own_product, network.fresh("older.test")
    with Client(product) as tunnel, Client(product) as idle:
        assert tunnel.connect(f"bank.test:{network.tls_port}", credentials("ben")).status == 200
        tunnel.start_tls("bank.test", trust=network.authority.file)
        assert idle.connect(f"{host}:{network.tls_port}", credentials("ben")).status == 200
        idle.start_tls(host)
        assert idle.inside(f"{host}:{network.tls_port}").status == 200
        product.done("users", "disable", "ben")
        said = time.monotonic()
        assert tunnel.closed_within(SWITCHED)
        assert idle.closed_within(SWITCHED)
    left = said + SWITCHED - time.monotonic()  # the two may have been of one worker; the other looks in its own time
    newest = load_accounts(product.state / "accounts.json").revision
    wait_for(lambda: in_use(product, "accounts") == {newest}, left, "every worker", lambda: product.output)
    for _ in range(8):
        with Client(product) as client:
            assert client.get(network.plain_url("allowed.test"), credentials("ben")).status == 407


def in_use(product: Product, what: str) -> set[int]:
    """Revisions (`revision`: of the settings, `accounts`) that the two workers go by."""
    statuses = read_statuses(product.state / "run" / "status.json")
    assert len(statuses) == 2
    return {getattr(status, what) for status in statuses}


def test_settings_that_undo_the_floor_are_refused_while_it_runs(own_product: Product, network: Network) -> None:
    product, host = own_product, network.fresh("blocked.test")
    product.settings["categories"]["pornography"] = "allow"
    product.write()
    result = product.command("config", "apply", "--reason", "undo the floor")
    assert result.returncode != 0
    assert "pornography" in result.stderr
    time.sleep(2.5)
    assert status(product, network, host) == 403


def test_sigterm_lets_a_download_finish(own_product: Product, network: Network) -> None:
    product = own_product
    with Download(product, network) as download:
        product.terminate()
        wait_for(lambda: refused(product), SWITCHED, "the listener to close")
        assert product.process.poll() is None
        assert download.finish() == CHUNK * 2
    assert product.ended() == 0, product.output
    row = product.records(host=download.host)[-1]
    assert (row["outcome"], row["bytes_out"], row["user"]) == ("ok", 2 * len(CHUNK), "ana")


def refused(product: Product) -> bool:
    """True when nobody listens any more: a client that waits in a queue instead would hang until the drain ends."""
    try:
        socket.create_connection(("127.0.0.1", product.port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_records_survive_a_kill_of_everything(own_product: Product, network: Network) -> None:
    """kill -9 of the supervisor: what was decided stands in the spool and is collected at the next start."""
    product, host = own_product, network.fresh("blocked.test")
    assert status(product, network, host) == 403
    product.kill()
    wait_for(lambda: refused(product), SWITCHED, "the workers to end")
    product.start()
    [row] = product.recorded(host=host)
    assert row["action"] == "block"


def test_limits_take_effect_without_a_restart(own_product: Product, network: Network) -> None:
    product = own_product
    product.settings["proxy"]["limits"] = {"idle_seconds": 1, "connections_per_client": 2}
    product.write()
    said = json.loads(product.done("config", "apply", "--json", "--reason", "short"))
    assert [change["key"] for change in said["changes"] if change["needs_restart"]] == []
    wait_for(lambda: in_use(product, "revision") == {2}, SWITCHED, "every worker", lambda: product.output)
    with Client(product) as kept:
        assert kept.get(network.plain_url("allowed.test"), credentials("ana")).status == 200
        assert kept.closed_within(SWITCHED), "120 seconds before"
    host = network.fresh("allowed.test")
    with Client(product) as silent:
        assert silent.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        silent.start_tls(host)
        assert silent.closed_within(SWITCHED)
    [row] = product.recorded(host=host)
    assert (row["method"], row["outcome"]) == ("CONNECT", "timeout"), "we closed it: nobody left"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(product)) for _ in range(6)]  # four at most on two workers
        wait_for(
            lambda: sum(client.closed_within(0.1) for client in clients) >= 2, 5, "two refused, before a head's 10 s"
        )
