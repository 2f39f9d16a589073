"""One destination: whatever names a request's site agrees with where its bytes go, on every request, however written.

tests/cases/addresses.yaml has the rules; test_identity.py single lies of CONNECT, ClientHello, Host and absolute form.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, Http2Client, credentials
from tests.e2e.raw_h2 import exchange, head

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

ANA = credentials("ana")


def opened(product: Product, network: Network, host: str, name: str | None, alpn: str = "http/1.1") -> Client:
    """A tunnel to `host`, in which the ClientHello names `name`."""
    client = Client(product)
    assert client.connect(f"{host}:{network.tls_port}", ANA).status == 200
    client.start_tls(name, alpn)
    return client


def test_a_later_request_for_another_site_is_refused_and_the_connection_goes_on(
    product: Product, network: Network
) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    with opened(product, network, host, host) as client:
        named = [f"{name}:{network.tls_port}" for name in (host, other, host)]
        assert [client.inside(name, f"/{at}").status for at, name in enumerate(named)] == [200, 421, 200]
    rows = {row["path"]: (row["action"], row["reason"]) for row in product.recorded(3, host=host)}
    assert rows == {"/0": ("allow", "default"), "/1": ("block", "address.mismatch"), "/2": ("allow", "default")}
    assert not [seen for seen in network.origins["allowed.test"].requests if seen.host.startswith(other)]


def test_of_the_streams_of_a_connection_only_those_for_its_site_go_on(product: Product, network: Network) -> None:
    """421 says that another connection would serve it (RFC 9110, 15.5.20): a browser that had joined them opens one."""
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    named = [(f"{name}:{network.tls_port}", "/page") for name in (host, other, host)]
    with opened(product, network, host, host, "h2") as client:
        assert [answer.status for answer in Http2Client(client).get(*named)] == [200, 421, 200]
    with opened(product, network, other, other, "http/1.1") as client:
        assert client.inside(named[1][0]).status == 200


def test_a_stream_whose_authority_and_host_differ_is_refused(product: Product, network: Network) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    before = network.contacts()
    fields = head(f"{host}:{network.tls_port}", "/page", "GET", (b"host", f"{other}:{network.tls_port}".encode()))
    with opened(product, network, host, host, "h2") as client:
        answer = exchange(client, fields)
        assert answer.status in (400, 421) or answer.reset or answer.gone
    assert network.contacts() == before


@pytest.mark.parametrize("zone", ["older.test", "blocked.test"])
def test_a_hello_without_a_name_excuses_no_other_host(product: Product, network: Network, zone: str) -> None:
    host, other, before = network.fresh("allowed.test"), network.fresh(zone), network.contacts()
    with opened(product, network, host, None) as client:
        assert client.inside(f"{other}:{network.tls_port}").status == 421
    assert product.recorded(host=host)[-1]["reason"] == "address.mismatch"
    assert network.contacts() == before


@pytest.mark.parametrize(
    "named",
    ["{host}", "{host}:{port}", "{host}.:{port}", "{upper}:{port}", "{upper}.:{port}"],
    ids=["no port", "as it is", "a dot behind", "capitals", "capitals and a dot"],
)
def test_another_spelling_of_the_same_site_agrees(product: Product, network: Network, named: str) -> None:
    host = network.fresh("allowed.test")
    written = named.format(host=host, upper=host.upper(), port=network.tls_port)
    with Client(product) as client:
        spelled = written if ":" in written else f"{written}:{network.tls_port}"
        assert client.connect(spelled, ANA).status == 200
        client.start_tls(host)
        assert client.inside(written).status == 200
    product.recorded(host=host)


SPELLINGS = {
    "capitals": "BLOCKED.test",
    "a dot behind": "blocked.test.",
    "a user before": "allowed.test@blocked.test",
    "percent": "%62locked.test",
    "an ideographic stop in percent": "blocked%E3%80%82test",
    "an ideographic stop": "blocked\u3002test",
    "full width": "\uff42locked.test",
    "a soft hyphen": "block\u00aded.test",
    "a dot in percent": "blocked.test%2e",
    "a path behind the name": "blocked.test\\@allowed.test",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_blocked_site_is_let_through(product: Product, network: Network, spelling: str) -> None:
    named, before, seen = SPELLINGS[spelling], network.contacts(), len(product.records(action="block"))
    with Client(product) as client:
        answer = client.connect(f"{named}:{network.tls_port}", ANA)
        if answer.status == 200:  # held: the page is shown inside
            client.start_tls("blocked.test")
            answer = client.inside(f"blocked.test:{network.tls_port}")
        assert answer.status in (400, 403)
    with Client(product) as client:
        assert client.get(f"http://{named}:{network.plain_port}/page", ANA).status in (400, 403)
    product.recorded(seen + 2, action="block")
    assert network.contacts() == before


#: Other spellings of 127.0.0.99, which no setting lists, as resolvers read them (inet_aton(3)), and of its port.
LITERALS = {
    "dotted": "127.0.0.99",
    "decimal": "2130706531",
    "hexadecimal": "0x7f000063",
    "hexadecimal parts": "0x7F.0.0.0x63",
    "octal": "0177.0.0.0143",
    "short": "127.99",
    "a dot behind": "127.0.0.99.",
    "mapped": "[::ffff:127.0.0.99]",
    "mapped in hexadecimal": "[::ffff:7f00:63]",
    "NAT64": "[64:ff9b::7f00:63]",
    "full width": "\uff11\uff12\uff17.0.0.99",
    "percent": "%3127.0.0.99",
    "out of range": "127.0.0.355",
}


@pytest.mark.parametrize("spelling", LITERALS)
def test_no_spelling_of_an_address_is_dialled(product: Product, network: Network, spelling: str) -> None:
    named, before, seen = LITERALS[spelling], network.contacts(), len(product.records(action="block"))
    for port in (network.plain_port, network.tls_port):
        with Client(product) as client:
            answer = client.connect(f"{named}:{port}", ANA)
            if answer.status == 200:
                assert client.inside(f"{named}:{port}").status in (400, 403, 421)
            else:
                assert answer.status in (400, 403)
    with Client(product) as client:
        assert client.get(f"http://{named}:{network.plain_port}/page", ANA).status in (400, 403)
    rows = product.recorded(seen + 3, action="block")[seen:]
    assert {row["reason"].partition(".")[0] for row in rows} <= {"address", "protocol"}
    assert network.contacts() == before


def test_a_listed_printer_is_reached_by_its_address(product: Product, network: Network) -> None:
    seen = len(product.records(host="127.0.0.77"))
    with Client(product) as client:
        assert client.get(f"http://127.0.0.77:{network.plain_port}/page", ANA).status == 200
    with Client(product) as client:
        assert client.get(f"http://2130706509:{network.plain_port}/page", ANA).status == 200
    assert [row["action"] for row in product.recorded(seen + 2, host="127.0.0.77")[seen:]] == ["allow", "allow"]


def first_in_pieces(client: Client, data: bytes, *ends: int) -> None:
    """Sends the first bytes of `data` up to each end in a segment of its own."""
    at = 0
    for end in (*ends, len(data)):
        client.send(data[at:end])
        at = end


class Handshake:
    """TLS over a connection whose first bytes are sent in pieces."""

    def __init__(self, product: Product, client: Client, name: str, *ends: int) -> None:
        context = ssl.create_default_context(cafile=product.authority)
        self._in, self._out, self._client = ssl.MemoryBIO(), ssl.MemoryBIO(), client
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._until_done(self._tls.do_handshake, *ends)

    def get(self, authority: str, path: str = "/page") -> bytes:
        """The beginning of the answer to a GET."""
        self._tls.write(f"GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        return self._until_done(lambda: self._tls.read(4096))

    def _until_done(self, step, *ends: int):  # type: ignore[no-untyped-def]  # what a step returns is the caller's
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                if self._out.pending:
                    first_in_pieces(self._client, self._out.read(), *ends)
                    ends = ()
                self._in.write(self._client.read())
            finally:
                if self._out.pending:
                    self._client.send(self._out.read())


@pytest.mark.parametrize("ends", [(1,), (2,), (1, 2, 3)], ids=["one byte", "two bytes", "three segments"])
@pytest.mark.parametrize(("zone", "status"), [("allowed.test", 200), ("blocked.test", 403)])
def test_a_hello_in_pieces_is_read_whatever_its_segments(
    product: Product, network: Network, zone: str, status: int, ends: tuple[int, ...]
) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", ANA).status == 200
        answer = Handshake(product, client, host, *ends).get(f"{host}:{network.tls_port}")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert product.recorded(host=host)[0]["status"] == status


@pytest.mark.parametrize(("zone", "status"), [("allowed.test", 200), ("blocked.test", 403)])
def test_a_request_line_in_pieces_is_read_whatever_its_segments(
    product: Product, network: Network, zone: str, status: int
) -> None:
    host = network.fresh(zone)
    with Client(product) as client:
        assert client.connect(f"{host}:{network.plain_port}", ANA).status == 200
        request = f"GET /page HTTP/1.1\r\nHost: {host}:{network.plain_port}\r\n\r\n".encode()
        first_in_pieces(client, request, 1, 2, 3, 5)
        assert client.response().status == status
    assert product.recorded(host=host)[0]["status"] == status
