"""Identity and verdict hold for every request of a connection, not only for its first.

Raw sockets, because no well-behaved client sends these. Each refused request leaves one record and contacts no origin.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.e2e.network import PRIVATE
from tests.e2e.raw import Client, Http2Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product


@pytest.fixture
def untouched(network: Network):
    """Asserts, at the end of the test, that no origin has accepted a connection during it."""
    before = network.contacts()
    yield
    assert network.contacts() == before


def tunnel(product: Product, network: Network, host: str, user: str = "ana", alpn: str = "http/1.1") -> Client:
    """An open, intercepted tunnel to `host`."""
    client = Client(product)
    assert client.connect(f"{host}:{network.tls_port}", credentials(user)).status == 200
    client.start_tls(host, alpn)
    return client


def test_two_users_on_one_connection_are_recorded_each_under_their_own_name(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with Client(product) as client:
        first = client.get(network.plain_url(host, "/first"), credentials("ana"))
        second = client.get(network.plain_url(host, "/second"), credentials("ben"))
    assert (first.status, second.status) == (200, 200)
    assert {row["path"]: row["user"] for row in product.recorded(2, host=host)} == {"/first": "ana", "/second": "ben"}


def test_a_request_after_a_signed_in_one_still_has_to_say_who_it_is(product: Product, network: Network) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    before = network.plain["older.test"].connections
    with Client(product) as client:
        assert client.get(network.plain_url(host), credentials("ana")).status == 200
        assert client.get(network.plain_url(other)).status == 407
    [row] = product.recorded(host=other)
    assert (row["user"], row["action"], row["reason"]) == (None, "challenge", "identity.required")
    assert network.plain["older.test"].connections == before


def test_three_pipelined_requests_with_a_blocked_one(product: Product, network: Network) -> None:
    allowed, blocked = network.fresh("allowed.test"), network.fresh("blocked.test")
    before = network.plain["blocked.test"].connections
    requests = [
        network.plain_url(allowed, "/one"),
        network.plain_url(blocked, "/two"),
        network.plain_url(allowed, "/three"),
    ]
    heads = [f"GET {url} HTTP/1.1\r\nHost: {url.split('/')[2]}\r\n{credentials('ana')}\r\n" for url in requests]
    with Client(product) as client:
        client.send("".join(heads))
        assert client.response().text.endswith("/one")
        refused = client.response()
        rest = client.rest() if refused.headers.get("connection") == "close" else client.response().body
    assert refused.status == 403
    assert rest in (b"", f"this is {allowed}:{network.plain_port} /three".encode())
    [row] = product.recorded(host=blocked)
    assert (row["user"], row["action"], row["reason"]) == ("ana", "block", "category.pornography")
    assert network.plain["blocked.test"].connections == before


def test_connect_without_credentials_after_a_signed_in_get(product: Product, network: Network) -> None:
    host, target = network.fresh("allowed.test"), network.fresh("older.test")
    before = network.origins["older.test"].connections
    with Client(product) as client:
        assert client.get(network.plain_url(host), credentials("ana")).status == 200
        assert client.connect(f"{target}:{network.tls_port}").status >= 400
    [row] = product.recorded(method="CONNECT", detail="CONNECT inside a connection")
    assert row["action"] == "block"
    assert network.origins["older.test"].connections == before


def test_a_wrong_password_then_the_right_one_on_the_same_socket(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with Client(product) as client:
        refused = client.connect(f"{host}:{network.tls_port}", credentials("ana", "wrong"))
        assert refused.status == 407
        assert refused.headers["proxy-authenticate"].startswith("Basic realm=")
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        client.start_tls(host)
        assert client.inside(f"{host}:{network.tls_port}").status == 200
    first, second = product.recorded(2, host=host)
    assert (first["action"], first["reason"], first["status"]) == ("challenge", "identity.password", 407)
    assert (second["user"], second["action"], second["path"]) == ("ana", "allow", "/page")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("", "identity.required"),
        (credentials("gone"), "identity.disabled"),
        (credentials("ana", ""), "identity.password"),
        ("Proxy-Authorization: Basic !!!\r\n", "identity.required"),
        ("Proxy-Authorization: Bearer ana\r\n", "identity.required"),
        ("X-Forwarded-User: ana\r\nX-Remote-User: ana\r\nAuthorization: Basic YW5hOng=\r\n", "identity.required"),
    ],
    ids=["nobody", "disabled", "empty password", "not base64", "another scheme", "claims in headers"],
)
@pytest.mark.parametrize("way", ["connect", "get"])
def test_who_is_not_known_gets_407_and_nothing_leaves(
    product: Product, network: Network, way: str, head: str, reason: str
) -> None:
    host = network.fresh("allowed.test")
    with Client(product) as client:
        if way == "connect":
            status = client.connect(f"{host}:{network.tls_port}", head).status
        else:
            status = client.get(network.plain_url(host), head).status
    assert status == 407
    [row] = product.recorded(host=host)
    assert (row["user"], row["action"], row["reason"], row["status"]) == (None, "challenge", reason, 407)


def test_a_second_user_inside_a_tunnel_changes_nothing(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with tunnel(product, network, host) as client:
        assert client.inside(f"{host}:{network.tls_port}", "/headers", credentials("ben")).status == 200
    [row] = product.recorded(host=host)
    assert row["user"] == "ana"
    [seen] = [seen for seen in network.origins["older.test"].requests if seen.host.startswith(host)]
    assert "proxy-authorization" not in dict(seen.headers)


def test_the_password_is_not_forwarded_over_plain_http(product: Product, network: Network) -> None:
    host = network.fresh("older.test")
    with Client(product) as client:
        assert client.get(network.plain_url(host, "/headers"), credentials("ana")).status == 200
    [seen] = [seen for seen in network.plain["older.test"].requests if seen.host.startswith(host)]
    assert {"proxy-authorization", "proxy-connection"}.isdisjoint(dict(seen.headers))


def test_every_stream_of_a_connection_is_judged(product: Product, network: Network) -> None:
    authority, seen = f"mixed.test:{network.tls_port}", len(product.records(host="mixed.test"))
    asked = len(network.origins["mixed.test"].paths())
    with tunnel(product, network, "mixed.test", alpn="h2") as client:
        answers = Http2Client(client).get((authority, "/good"), (authority, "/bad/page"), (authority, "/good/too"))
    assert [answer.status for answer in answers] == [200, 403, 200]
    assert sorted(network.origins["mixed.test"].paths()[asked:]) == ["/good", "/good/too"]
    rows = {row["path"]: (row["user"], row["action"]) for row in product.recorded(seen + 3, host="mixed.test")[seen:]}
    assert rows == {"/good": ("ana", "allow"), "/bad/page": ("ana", "block"), "/good/too": ("ana", "allow")}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("zone", ["older.test", "blocked.test"])
def test_host_other_than_the_tunnels(product: Product, network: Network, zone: str) -> None:
    host, other = network.fresh("allowed.test"), network.fresh(zone)
    with tunnel(product, network, host) as client:
        assert client.inside(f"{other}:{network.tls_port}").status == 421
    [row] = product.recorded(path="/page", reason="address.mismatch", host=host) + product.records(host=other)
    assert (row["user"], row["action"], row["status"]) == ("ana", "block", 421)


@pytest.mark.usefixtures("untouched")
def test_authority_of_a_stream_other_than_the_tunnels(product: Product, network: Network) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    with tunnel(product, network, host, alpn="h2") as client:
        [answer] = Http2Client(client).get((f"{other}:{network.tls_port}", "/page"))
    assert answer.status == 421
    assert product.recorded(host=host)[0]["reason"] == "address.mismatch"


@pytest.mark.usefixtures("untouched")
def test_absolute_form_to_another_host_inside_a_tunnel(product: Product, network: Network) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    with tunnel(product, network, host) as client:
        assert client.get(network.url(other)).status in (400, 421)
    [row] = product.recorded(host=host)
    assert row["action"] == "block"


@pytest.mark.usefixtures("untouched")
def test_server_name_other_than_the_tunnels(product: Product, network: Network) -> None:
    host, other = network.fresh("allowed.test"), network.fresh("older.test")
    client = Client(product)
    with client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        client.start_tls(other)
        assert client.inside(f"{host}:{network.tls_port}").status == 421
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"]) == ("block", "address.mismatch")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (PRIVATE + ":{tls}", "address.private"),
        ("127.0.0.99:{tls}", "address.private"),
        ("127.0.0.1:{own}", "address.private"),
        ("localhost:{own}", "address.private"),
        ("0x7f000001:{own}", "address.private"),
        ("[::ffff:127.0.0.1]:{own}", "address.private"),
        ("192.0.2.7:443", "address.literal"),
        ("allowed.test:25", "address.port"),
    ],
)
def test_a_destination_that_is_never_dialled(product: Product, network: Network, target: str, reason: str) -> None:
    target = target.format(tls=network.tls_port, own=product.port)
    seen = len(product.records())
    with Client(product) as client:
        answer = client.connect(target, credentials("ana"))
        if answer.status == 200:
            client.start_tls(target.rpartition(":")[0].strip("[]"))
            answer = client.inside(target)
    assert answer.status == 403
    [row] = [row for row in product.recorded(seen + 1) if row["reason"].startswith("address.")][-1:]
    assert (row["action"], row["reason"].partition(".")[0]) == ("block", reason.partition(".")[0])


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("text", "status"),
    [
        (f"GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nHost: b.test\r\n{credentials('ana')}\r\n", 400),
        ("CONNECT allowed.test HTTP/1.1\r\n\r\n", 400),
        ("CONNECT http://allowed.test/ HTTP/1.1\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        ("GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nX: " + "x" * 70000 + "\r\n\r\n", 431),
    ],
    ids=["two hosts", "no port", "not an authority", "TLS", "head over the cap"],
)
def test_a_head_that_cannot_be_read(product: Product, text: str, status: int) -> None:
    seen = len(product.records(reason="protocol.malformed"))
    with Client(product) as client:
        client.send(text)
        assert client.response().status == status
    rows = product.recorded(seen + 1, reason="protocol.malformed")
    assert rows[-1]["status"] == status


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the right one first", "the right one last"])
def test_two_hosts_inside_a_tunnel_are_refused(product: Product, network: Network, order: tuple[int, int]) -> None:
    """RFC 9112, section 3.2: two servers may read two hosts from it."""
    host, other = network.fresh("older.test"), network.fresh("blocked.test")
    hosts = [(host, other)[number] for number in order]
    with tunnel(product, network, host) as client:
        lines = "".join(f"Host: {name}:{network.tls_port}\r\n" for name in hosts)
        client.send(f"GET /page HTTP/1.1\r\n{lines}\r\n")
        assert client.response().status in (400, 421)


@pytest.mark.usefixtures("untouched")
def test_a_body_of_two_lengths_is_refused(product: Product, network: Network) -> None:
    """Request smuggling: RFC 9112, section 6.1."""
    host = network.fresh("allowed.test")
    smuggled = f"0\r\n\r\nGET {network.plain_url(host, '/smuggled')} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    with Client(product) as client:
        client.send(
            f"POST {network.plain_url(host)} HTTP/1.1\r\nHost: {host}\r\n{credentials('ana')}"
            f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}"
        )
        assert client.response().status == 400
        assert client.rest() == b""


@pytest.mark.usefixtures("untouched")
def test_a_client_that_refuses_our_certificate_leaves_a_record(product: Product, network: Network) -> None:
    """A held block shows the district's certificate only; who does not trust it gets nothing else."""
    host = network.fresh("blocked.test")
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            client.start_tls(host, trust=network.authority.file)
    [row] = product.recorded(host=host)
    assert (row["user"], row["method"], row["action"]) == ("ana", "CONNECT", "block")


def test_no_password_stands_in_the_log_the_state_or_the_output(product: Product) -> None:
    """Runs over all that the tests of this file have left behind."""
    secrets = [credentials(user).split()[-1].encode() for user in ("ana", "ben")] + [b"sand:dollar-7", b"kelp-forest-9"]
    assert product.records(user="ana")
    texts = [file.read_bytes() for file in product.state.rglob("*") if file.is_file()] + [product.output.encode()]
    assert [secret for secret in secrets for text in texts if secret in text] == []
