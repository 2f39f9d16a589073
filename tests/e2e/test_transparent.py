"""Devices that know of no proxy: their connections are redirected by the printed rules, on the filter's own machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.namespaces import Machine, cable, machines, router
from tests.e2e.network import Network
from tests.e2e.product import COMMAND, PASSWORDS, Product

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = {"site.test": 10, "other.test": 11, "blocked.test": 12, "bank.test": 13}
APPROVED = 20
WHO = {"owner": "Library", "reason": "kiosks", "since": "2026-11-01"}
PORT = 8083

ORIGIN = """
import http.server, socket, ssl, sys, threading

class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"origin {self.headers['host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

class Six(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1])
for server, host in ((http.server.ThreadingHTTPServer, "0.0.0.0"), (Six, "::")):
    for port in (80, 443):
        if server is Six:
            class Only(Six):
                def server_bind(self):
                    self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    super().server_bind()
            made = Only((host, port), Page)
        else:
            made = server((host, port), Page)
        if port == 443:
            made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=made.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def address(number: int, version: int) -> str:
    return f"203.0.113.{number}" if version == 4 else f"2001:db8:f::{number}"


@dataclass
class World:
    product: Product
    router: Machine
    tablet: Machine
    staff: Machine

    def curl(self, *arguments: str, client: Machine | None = None) -> tuple[int, str, str]:
        """What curl makes of it: exit code, status, body. It gives up after seconds in which an answer was promised."""
        done = (client or self.tablet).call(
            *("curl", "--silent", "--max-time", "6", "--noproxy", "", "--write-out", "\n%{http_code}", *arguments)
        )
        body, _, status = done.stdout.rpartition("\n")
        return done.returncode, status, body

    def get(
        self,
        name: str,
        path: str,
        *more: str,
        scheme: str = "https",
        to: int = 0,
        version: int = 4,
        client: Machine | None = None,
    ) -> tuple[int, str, str]:
        """A page of `name` from the address that it has, or from another."""
        ip, port = address(to or NAMES[name], version), 443 if scheme == "https" else 80
        at = f"[{ip}]" if version == 6 else ip
        trust = ("--cacert", str(self.product.authority))
        return self.curl(*trust, "--resolve", f"{name}:{port}:{at}", *more, f"{scheme}://{name}{path}", client=client)

    def told(self, **columns: object) -> dict:
        [row] = self.product.recorded(**columns)
        return row


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("transparent")
    network = Network.create(tmp_path_factory.mktemp("network"))
    with machines("router", "tablet", "staff", "internet") as (between, tablet, staff, internet):
        _wire(between, tablet, staff, internet)
        leaf = network.authority.leaf("site.test", *NAMES, "*.site.test")
        command = (sys.executable, "-c", ORIGIN, str(leaf))
        origin = internet.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        product = _product(folder, network, between)
        try:
            assert origin.stdout
            assert origin.stdout.readline() == b"ready\n"
            product.done("users", "add", "ana", "--password-stdin", text=PASSWORDS["ana"] + "\n")
            product.start()
            between.load(product.done("firewall", "print", "--transparent"))
            yield World(product, between, tablet, staff)
            product.stop()
        finally:
            product.kill()
            origin.kill()
            origin.communicate()
            network.close()


def _wire(between: Machine, tablet: Machine, staff: Machine, internet: Machine) -> None:
    router(between)
    for machine, number in ((tablet, "46"), (staff, "4")):
        cable(between, machine, to_one="uplink", to_other=machine.name)
        between.address(machine.name, f"10.1.{number}.1/24", f"2001:db8:1:{number}::1/64")
        machine.address("uplink", f"10.1.{number}.2/24", f"2001:db8:1:{number}::2/64")
        machine.routes(f"10.1.{number}.1", f"2001:db8:1:{number}::1")
    cable(between, internet, to_one="uplink", to_other="internet")
    between.address("internet", "203.0.113.1/24", "2001:db8:f::1/64")
    for number in (*NAMES.values(), APPROVED):
        internet.address("uplink", f"{address(number, 4)}/24", f"{address(number, 6)}/64")
    internet.routes("203.0.113.1", "2001:db8:f::1")


def _product(folder: Path, network: Network, between: Machine) -> Product:
    product = Product.create(folder, network)
    hosts = folder / "names"
    hosts.write_text("".join(f"{address(number, v)} {name}\n" for name, number in NAMES.items() for v in (4, 6)))
    product.variables["NSS_WRAPPER_HOSTS"] = str(hosts)
    product.program = (*between.inside, str(COMMAND))
    product.settings["schools"] = {"lincoln": ["127.0.0.0/8", "10.1.0.0/16", "2001:db8:1::/48"]}
    product.settings["proxy"] |= {
        "workers": 1,
        "listen": [*product.settings["proxy"]["listen"], f"10.1.46.1:{product.port}"],
        "allow_plain_basic": True,
        "limits": {"hello_seconds": 2},
        "approved_addresses": [
            {"address": f"{address(APPROVED, v)}:443", **WHO}
            if v == 4
            else {"address": f"[{address(APPROVED, v)}]:443", **WHO}
            for v in (4, 6)
        ],
        "transparent": {
            "listen": [f"0.0.0.0:{PORT}", f"[::]:{PORT}"],
            "networks": [
                {"name": "tablets", "network": "10.1.46.0/24", **WHO},
                {"name": "tablets-6", "network": "2001:db8:1:46::/64", **WHO},
            ],
        },
    }
    product.write()
    return product


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_page_opens_and_its_record_names_the_network_and_no_user(world: World, scheme: str, version: int) -> None:
    path = f"/page-{scheme}-{version}"
    assert world.get("site.test", path, scheme=scheme, version=version) == (0, "200", f"origin site.test {path}")
    row = world.told(path=path)
    network = "network:tablets" if version == 4 else "network:tablets-6"
    assert (row["user"], row["identity"], row["school"]) == (None, network, "lincoln")
    assert (row["host"], row["scheme"], row["action"]) == ("site.test", scheme, "allow")


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_blocked_site_gets_its_page(world: World, scheme: str, version: int) -> None:
    path = f"/blocked-{scheme}-{version}"
    code, status, body = world.get("blocked.test", path, scheme=scheme, version=version)
    assert (code, status) == (0, "403")
    assert "origin" not in body
    assert world.told(path=path)["reason"] == "category.pornography"


@pytest.mark.parametrize("version", [4, 6])
def test_a_name_for_another_address_is_refused(world: World, version: int) -> None:
    before = len(world.product.records(reason="address.mismatch"))
    code, status, body = world.get("site.test", "/lie", to=NAMES["other.test"], version=version)
    assert (status, body) == ("000", "")
    assert code in (35, 52, 56)  # TLS, or the connection, was ended: not the time limit (28)
    code, status, body = world.get("site.test", "/lie", to=NAMES["other.test"], version=version, scheme="http")
    assert (code, status) == (0, "421")
    assert "origin" not in body
    rows = world.product.recorded(before + 2, reason="address.mismatch")
    assert {row["host"] for row in rows} == {"site.test"}


def test_a_name_that_nobody_can_resolve_is_refused(world: World) -> None:
    assert world.get("nowhere.test", "/x", to=10)[1] == "000"
    assert world.told(host="nowhere.test")["reason"] == "address.mismatch"


def test_tls_without_a_name_is_refused_unless_its_address_is_approved(world: World) -> None:
    code, status, body = world.curl("--insecure", f"https://{address(10, 4)}/unnamed")
    assert (code, status) == (0, "403")
    assert "origin" not in body
    assert world.told(path="/unnamed")["reason"] == "address.literal"
    code, status, _ = world.curl("--insecure", f"https://{address(APPROVED, 4)}/approved")
    assert (code, status) == (0, "502")  # it is let through; our origin's certificate names no address
    assert world.told(host=address(APPROVED, 4), event="decision")["reason"] in ("default", "upstream.certificate")


def test_a_host_that_is_passed_through_shows_its_own_certificate(world: World) -> None:
    trust = ("--cacert", str(world.product.network.authority.file))
    assert world.get("bank.test", "/own", *trust) == (0, "200", "origin bank.test /own")
    row = world.product.recorded(host="bank.test", event="decision")[0]
    assert (row["action"], row["identity"]) == ("passthrough", "network:tablets")
    lie = world.get("bank.test", "/own", *trust, to=NAMES["site.test"])
    assert lie[1] == "000"


def test_another_host_inside_is_refused(world: World) -> None:
    code, status, body = world.get("site.test", "/inside", "--header", "Host: blocked.test")
    assert (code, status) == (0, "421")
    assert "origin" not in body


def test_clients_of_no_named_network_are_not_served(world: World) -> None:
    """Redirected by rules that somebody else has made: the listener itself refuses them."""
    rule = f"tcp dport {{ 80, 443 }} redirect to :{PORT}"
    world.router.run("nft", "add", "rule", "inet", "breakwater", "unaware", "iifname", "staff", rule)
    code, status, body = world.get("site.test", "/staff", scheme="http", client=world.staff)
    assert (code, status) == (0, "403")
    assert "origin" not in body
    assert world.get("site.test", "/staff", client=world.staff)[1] == "000"
    rows = world.product.recorded(2, reason="identity.required", client="10.1.4.2")
    assert {row["identity"] for row in rows} == {None}


def test_what_was_not_redirected_is_refused(world: World) -> None:
    code, status, body = world.curl(f"http://10.1.46.1:{PORT}/", "--header", "Host: site.test")
    assert (code, status, body) == (0, "400", "")
    assert world.curl("--insecure", "--connect-to", f"::10.1.46.1:{PORT}", "https://site.test/")[1] == "000"
    rows = world.product.recorded(2, detail="a connection that no router has redirected")
    assert {row["reason"] for row in rows} == {"protocol.malformed"}


def test_the_proxy_itself_asks_these_clients_for_a_password_all_the_same(world: World) -> None:
    proxy = f"http://10.1.46.1:{world.product.port}"
    assert world.curl("--proxy", proxy, "http://site.test/proxied")[1] == "407"


ASK = """
import socket, sys
sock = socket.create_connection((sys.argv[1], 443), 6)
sock.sendall(bytes.fromhex(sys.argv[2]))
try:
    print(sock.recv(9)[:4])
except ConnectionResetError:
    print(b"")
"""
RAW = [
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "bypass.ssh"),
    ("SSH whose line never ends", b"SSH-2.0-OpenSSH_9.2", "bypass.ssh"),
    ("BitTorrent", b"\x13BitTorrent protocol", "p2p.bittorrent"),
    ("nothing at all", b"", "bypass.raw"),
]


@pytest.mark.parametrize(("sent", "reason"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
def test_raw_bytes_and_silent_clients_are_closed_without_a_word(world: World, sent: bytes, reason: str) -> None:
    before = len(world.product.records(host=address(11, 4)))
    assert world.tablet.run(sys.executable, "-c", ASK, address(11, 4), sent.hex()) == "b''\n"
    row = world.product.recorded(before + 1, host=address(11, 4))[-1]
    assert (row["action"], row["reason"], row["identity"]) == ("block", reason, "network:tablets")


def test_what_is_not_the_web_is_not_redirected_and_refused(world: World) -> None:
    outcomes = world.tablet.tries(
        ("tcp", address(10, 4), 22), ("udp", address(10, 4), 443), ("tcp", address(10, 6), 853)
    )
    assert outcomes == ["refused"] * 3
