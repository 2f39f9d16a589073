"""What looks like a way round the filter and is everyday work: it passes whole, and is recorded as allowed."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import wsproto
import wsproto.events
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.e2e.bypass import gateways, shells, vpns
from tests.e2e.bypass.gate import Gate
from tests.e2e.bypass.ground import SECONDS, USER, Ground, ran
from tests.e2e.bypass.small_server import Handler, small_server
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, tunnel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOISE = hashlib.shake_256(b"noise").digest(300)  # as shadowsocks, or any picture
INNER = "https%3A%2F%2Fn000.allowed.test%2Fcourse%3Fid%3D7"
PACKED = base64.urlsafe_b64encode(b"https://n000.allowed.test/course?id=7").decode().rstrip("=")


@dataclass(frozen=True)
class Ask:
    """One request as curl makes it."""

    path: str
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    method: str | None = None
    plain: bool = False

    def arguments(self, file: Path) -> list[str]:
        sent = [part for header in self.headers for part in ("-H", header)]
        if self.body is not None:
            file.write_bytes(self.body)
            sent += ["--data-binary", f"@{file}"]
        return [*sent, *(["-X", self.method] if self.method else [])]


def ocsp_question() -> bytes:
    """For a certificate that nobody issued."""
    question = ocsp.OCSPRequestBuilder().add_certificate_by_hash(bytes(20), bytes(20), 4711, hashes.SHA1())
    return question.build().public_bytes(Encoding.DER)


_ACME = "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
_TUS = ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
_OCSP, _DER = "application/ocsp-request", ocsp_question()

ASKED = {
    "a school's announcements, below /announce": Ask("/school/announce?info=sports+day&port=2&peer=teachers"),
    "an announcement without an info_hash, by plain HTTP": Ask("/announce?event=started&port=80", plain=True),
    "a page with an info_hash that is none": Ask("/glossary?info_hash=what+is+it"),
    "a resumable upload by tus": Ask("/upload", _TUS, NOISE * 100, "PATCH"),
    "a resumable upload by Content-Range": Ask(
        "/upload", ("Content-Range: bytes 0-29999/90000", "Content-Type: video/mp4"), NOISE * 100, "PUT"
    ),
    "an upload of noise": Ask("/upload", ("Content-Type: application/octet-stream",), NOISE, "POST"),
    "a form in which somebody writes about tunnels": Ask(
        "/upload", ("Content-Type: text/plain",), b"SSH-2.0-OpenSSH_9.2 is what a server says\r\n", "POST"
    ),
    "a sign-in that leads back, in a redirect_uri": Ask(f"/authorize?client_id=lms&redirect_uri={INNER}"),
    "a sign-in that leads back, in a RelayState": Ask(f"/idp/sso?SAMLRequest=fZJNT&RelayState={INNER}"),
    "a sign-in that leads back, in Base64": Ask(f"/login?continue={PACKED}"),
    "a library's EZproxy": Ask("/login?url=https://n000.allowed.test/stable/1"),
    "analytics that name the page": Ask(f"/collect?v=2&dl={INNER}&dr={PACKED}"),
    "an ACME challenge (RFC 8555, 8.3)": Ask(_ACME, plain=True),
    "OCSP by POST (RFC 6960, A.1)": Ask("/upload", (f"Content-Type: {_OCSP}",), _DER, "POST", plain=True),
    "OCSP by GET": Ask("/ocsp/" + base64.b64encode(_DER).decode().replace("/", "%2F"), plain=True),
    "a field called dns that is no question": Ask("/report?dns=slow&page=2"),
    "a lesson about /ipfs/ without a name in it": Ask("/ipfs/how-it-works"),
    "a search for web proxies": Ask("/search?q=glype+ultraviolet+proxy+browse.php%3Fu%3D"),
    "a monitoring page with name and type": Ask("/monitor?name=server+1&type=web"),
    "a reader of WebSockets' news": Ask("/news?upgrade=websocket&connect-udp=no"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_it_reaches_the_origin_whole(ground: Ground, tmp_path: Path, ask: Ask) -> None:
    network, file = ground.network, tmp_path / "body"
    host = network.fresh("older.test")
    url = network.plain_url(host, ask.path) if ask.plain else network.url(host, ask.path)
    origin = (network.plain if ask.plain else network.origins)["older.test"]
    before = len(origin.requests)
    said = curl(ground, "-w", " %{http_code}", *ask.arguments(file), url)
    assert said.endswith(" 200"), said
    [seen] = origin.requests[before:]
    assert (seen.target, seen.body_sha256) == (ask.path, hashlib.sha256(ask.body or b"").hexdigest())
    assert {row["action"] for row in rows(ground, host)} == {"allow"}


def curl(ground: Ground, *arguments: object) -> str:
    options = ["-q", "-sS", "--max-time", "15", "--noproxy", "", "--proxy", ground.filter.url, "--cacert", ground.trust]
    return ran("curl", *options, *arguments)


def rows(ground: Ground, host: str) -> list[dict[str, object]]:
    """The decision about the one request, at last."""
    found: list[dict[str, object]] = ground.product.recorded(host=host, event="decision")
    assert [(row["user"], row["reason"]) for row in found] == [(USER, "default")]
    return found


MESSAGES: dict[str, list[wsproto.events.Message]] = {
    "JSON of a chat, which has actions too": [
        wsproto.events.TextMessage(json.dumps({"action": "announce", "room": "staff", "text": "info_hash?"})),
        wsproto.events.TextMessage('{"action":"typing"}'),
    ],
    "JSON of a spreadsheet": [wsproto.events.TextMessage('{"op":"connect","cells":[[1,2],[3,4]]}')],
    "protobuf": [
        wsproto.events.BytesMessage(b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x01\x10" + bytes([n])) for n in range(8)
    ],
    "noise, as of a call": [wsproto.events.BytesMessage(NOISE[at : at + 100]) for at in (0, 100, 200)],
}
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES.keys())
def test_a_websocket_that_is_no_tunnel(ground: Ground, messages: list[wsproto.events.Message]) -> None:
    host = ground.network.fresh("older.test")
    with Client(ground.product) as client:
        target = tunnel(client, ground.network, host, user=USER)
        key = f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
        assert client.inside(target, "/echo-socket", UPGRADE + key).status == 101
        socket = wsproto.Connection(wsproto.ConnectionType.CLIENT)
        for message in messages:
            client.send(socket.send(message))
            assert echoed(client, socket).data == message.data
        client.send(socket.send(wsproto.events.CloseConnection(code=1000)))
    assert {row["action"] for row in rows(ground, host)} == {"allow"}


def echoed(client: Client, socket: wsproto.Connection) -> wsproto.events.Message:
    while True:
        for event in socket.events():
            assert isinstance(event, wsproto.events.Message), event
            return event
        socket.receive_data(client.read())


UPDATE = b"MSCF" + hashlib.shake_128(b"an update").digest(3_000_000)


class _Cdn(Handler):
    """As the CDN of Windows Update: parts of a cabinet file, and the answer to a HEAD."""

    def reply(self) -> None:
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = UPDATE[first : last + 1]
        place = f"bytes {first}-{first + len(part) - 1}/{len(UPDATE)}"
        self.answer(part, "application/octet-stream", 206, Content_Range=place, Accept_Ranges="bytes", ETag='"1"')


def test_parts_of_an_update_arrive_as_they_are(ground: Ground, tmp_path: Path) -> None:
    agent, file = ["-A", "Microsoft-Delivery-Optimization/10.1"], tmp_path / "part"
    with small_server(_Cdn) as behind:
        ground.serve("cdn.test", behind)
        url = f"http://cdn.test:{ground.port}/filestreamingservice/files/7f2a?P1=1795400000&P2=404&P3=2&P4=made%2bup"
        for first, last in ((0, 1_048_575), (1_048_576, 2_097_151), (2_900_000, 3_100_000)):
            said = curl(ground, "-w", "%{http_code}", "-o", file, "-r", f"{first}-{last}", *agent, url)
            assert said == "206"
            assert file.read_bytes() == UPDATE[first : last + 1]
    found = ground.product.recorded(3, host="cdn.test", event="decision")
    assert {(row["action"], row["reason"], row["status"]) for row in found} == {("allow", "default", 206)}


ARTICLE = (
    b"<!doctype html><html lang=en><title>How sharing works</title><p>BitTorrent protocol is what a peer says first,"
    b" after a byte of 19; a tracker is asked with info_hash and peer_id: <code>GET /announce?info_hash=%124Vx</code>,"
    b" and answers <code>d8:intervali1800e5:peers6:</code>. A .torrent begins <code>d8:announce35:</code> and has"
    b' <code>4:info</code> and <code>6:pieces</code>. Links begin with magnet:?xt=urn:btih: and <a href="#">SSH-2.0-'
    b"</a> is another matter. Tor says VERSIONS, Glype has browse.php?u=, and FindProxyForURL is of a PAC file.</p>"
)


class _Article(Handler):
    def reply(self) -> None:
        self.answer(ARTICLE, "text/html; charset=utf-8")


def test_a_page_that_only_talks_about_it(ground: Ground) -> None:
    with small_server(_Article) as behind:
        ground.serve("article.test", behind)
        assert curl(ground, f"http://article.test:{ground.port}/bittorrent") == ARTICLE.decode()
    assert {row["action"] for row in rows(ground, "article.test")} == {"allow"}


class _Printer(Handler):
    def reply(self) -> None:
        self.answer(b"toner: 40 %", "text/plain")


def test_an_approved_printer_is_reached_by_its_address_and_nothing_beside_it(ground: Ground) -> None:
    address, port = ground.printer
    with small_server(_Printer) as behind:
        ground.gates.open(Gate(address, port, behind))
        assert curl(ground, f"http://{address}:{port}/status") == "toner: 40 %"
    assert {row["action"] for row in rows(ground, address)} == {"allow"}
    assert "toner" not in curl(ground, f"http://{address}:{port + 1}/status")
    [row] = ground.product.recorded(host=address, action="block")
    assert row["reason"] == "address.port"


APPROVED: dict[str, tuple[Callable, Callable, str]] = {
    "an SSH host, by corkscrew": (shells.approved, shells.corkscrew, "approved-ssh.test"),
    "the district's own VPN gateway, by openconnect": (
        gateways.approved, gateways.openconnect, "approved-gateway.test",
    ),
    "the district's own VPN gateway, by openvpn": (vpns.approved, vpns.openvpn, "approved-vpn.test"),
}  # fmt: skip


@pytest.mark.parametrize(("server", "works", "host"), APPROVED.values(), ids=APPROVED.keys())
def test_what_the_district_approved_works_through_the_filter(
    ground: Ground, server: Callable, works: Callable, host: str
) -> None:
    gate = ground.once(server)
    assert works(ground, ground.filter, host)
    assert gate.connections
    wait_for(lambda: _judged(ground, host) != [], SECONDS, f"a record of {host}")
    assert "block" not in {row["action"] for row in _judged(ground, host)}


def _judged(ground: Ground, host: str) -> list[dict[str, object]]:
    return [row for row in ground.product.records(host=host) if row["action"] != "challenge"]
