"""What programs see: curl through the running filter."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.district_folder import PUBLIC_NAME
from tests.e2e.product import PASSWORDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Curled:
    code: int  # curl's exit code
    status: int  # of the last answer inside the tunnel, or of the proxy's own
    connect: int  # status of the CONNECT; 0 where there was none
    headers: str
    body: bytes


@dataclass(frozen=True)
class Curl:
    product: Product
    folder: Path

    def __call__(self, url: str, *arguments: str, user: str | None = "ana", trust: Path | None = None) -> Curled:
        who = ["--proxy-user", f"{user}:{PASSWORDS[user]}"] if user else []
        proxy = ["--proxy", f"http://127.0.0.1:{self.product.port}", "--noproxy", "", *who]
        head, body = self.folder / "head", self.folder / "body"
        files = ["--cacert", str(trust or self.product.authority), "-D", str(head), "-o", str(body)]
        asked = ["--suppress-connect-headers", "-w", "%{http_code} %{http_connect}", "--max-time", "60", "-sS"]
        head.write_text("")
        body.write_bytes(b"")
        result = self._run(*asked, *proxy, *files, *arguments, url)
        status, connect = result.stdout.split()
        return Curled(result.returncode, int(status), int(connect), head.read_text().lower(), body.read_bytes())

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        command = ["curl", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, env=variables, check=False)

    def many(self, urls: str, *arguments: str) -> list[str]:
        """Ask for many addresses, as ana; what `-w` said of each."""
        proxy = ["--proxy", f"http://127.0.0.1:{self.product.port}", "--proxy-user", f"ana:{PASSWORDS['ana']}"]
        files = ["--cacert", str(self.product.authority), "-o", "/dev/null"]
        result = self._run("-sS", *proxy, *files, *arguments, urls)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()


@pytest.fixture
def curl(product: Product, tmp_path: Path) -> Curl:
    return Curl(product, tmp_path)


def test_plain_http_allowed(curl: Curl, network: Network, product: Product) -> None:
    host = network.fresh("allowed.test")
    answer = curl(network.plain_url(host, "/hello?not=kept"))
    assert (answer.code, answer.status) == (0, 200)
    assert answer.body == f"this is {host}:{network.plain_port} /hello".encode()
    [row] = product.recorded(host=host)
    assert (row["user"], row["action"], row["scheme"], row["port"]) == ("ana", "allow", "http", network.plain_port)
    assert (row["path"], row["status"], row["bytes_out"]) == ("/hello", 200, len(answer.body))


def test_what_a_client_claims_about_itself_is_not_recorded(curl: Curl, network: Network, product: Product) -> None:
    host = network.fresh("allowed.test")
    claims = ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Authenticated-User: ben", "Via: 1.1 x"]
    assert curl(network.plain_url(host), *[part for claim in claims for part in ("-H", claim)]).status == 200
    [row] = product.recorded(host=host)
    assert (row["client"], row["user"], row["school"]) == ("127.0.0.1", "ana", "lincoln")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_blocked_request_of_a_program_gets_problem_json(
    curl: Curl, network: Network, product: Product, scheme: str
) -> None:
    host = network.fresh("blocked.test")
    before = network.contacts()
    answer = curl(network.plain_url(host) if scheme == "http" else network.url(host))
    assert answer.status == 403
    assert "content-type: application/problem+json" in answer.headers
    assert "cache-control: no-store" in answer.headers
    assert "error=http_request_denied" in answer.headers
    [row] = product.recorded(host=host)
    problem = json.loads(answer.body)
    assert problem["status"] == 403
    assert problem["category"] == "pornography"
    assert row["id"] in answer.body.decode()
    assert (row["action"], row["list"], row["scheme"], row["status"]) == ("block", "floor", scheme, 403)
    assert network.contacts() == before


def test_nobody_named_is_407_before_anything_leaves(curl: Curl, network: Network, product: Product) -> None:
    host = network.fresh("allowed.test")
    before = network.contacts()
    plain, tunnel = curl(network.plain_url(host), user=None), curl(network.url(host), user=None)
    assert (plain.status, tunnel.connect) == (407, 407)
    assert "proxy-authenticate: basic" in plain.headers
    assert [row["reason"] for row in product.recorded(2, host=host)] == ["identity.required"] * 2
    assert network.contacts() == before


@pytest.mark.parametrize(("zone", "status"), [("allowed.test", 200), ("blocked.test", 403)])
def test_tls_to_the_proxy_itself(curl: Curl, network: Network, product: Product, zone: str, status: int) -> None:
    host, listener = network.fresh(zone), f"{PUBLIC_NAME}:{product.tls_port}"
    resolve = ["--resolve", f"{listener}:127.0.0.1", "--proxy-cacert", str(network.authority.file)]
    for url in (network.url(host), network.plain_url(host)):
        answer = curl(url, "--proxy", f"https://{listener}", *resolve)
        assert (answer.code, answer.status) == (0, status)
    rows = product.recorded(2, host=host)
    assert {(row["user"], row["client"], row["status"]) for row in rows} == {("ana", "127.0.0.1", status)}
    seen = len(product.records(host="bank.test"))
    through = curl(network.url("bank.test"), "--proxy", f"https://{listener}", *resolve, trust=network.authority.file)
    assert (through.code, through.status) == (0, 200)
    assert product.recorded(seen + 1, host="bank.test")[-1]["action"] == "passthrough"


@pytest.mark.parametrize(("zone", "status"), [("allowed.test", 200), ("older.test", 200), ("blocked.test", 403)])
def test_head(curl: Curl, network: Network, product: Product, zone: str, status: int) -> None:
    host = network.fresh(zone)
    answer = curl(network.url(host), "--head")
    assert (answer.code, answer.status) == (0, status)
    assert "content-length: " in answer.headers
    [row] = product.recorded(host=host)
    assert (row["method"], row["status"]) == ("HEAD", status)


@pytest.mark.parametrize("zone", ["allowed.test", "older.test"])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_arrives_whole(curl: Curl, network: Network, product: Product, zone: str, *, chunked: bool) -> None:
    host = network.fresh(zone)
    data = hashlib.sha512(zone.encode()).digest() * 50_000  # 3.2 MB
    upload = curl.folder / "upload"
    upload.write_bytes(data)
    header = ["-H", "Transfer-Encoding: chunked", "--http1.1"] if chunked else []
    answer = curl(network.url(host, "/upload"), "--data-binary", f"@{upload}", *header)
    assert json.loads(answer.body) == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    [_, end] = product.recorded(2, host=host)
    assert (end["event"], end["method"], end["bytes_in"]) == ("end", "POST", len(data))


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_a_blocked_upload_is_answered_at_once(curl: Curl, network: Network, product: Product, http: str) -> None:
    host = network.fresh("blocked.test")
    before = network.contacts()
    upload = curl.folder / "upload"
    upload.write_bytes(b"x" * 8 * MEBIBYTE)
    answer = curl(network.url(host, "/upload"), "--data-binary", f"@{upload}", http, "--max-time", "15")
    assert answer.status == 403
    assert product.recorded(host=host)[0]["action"] == "block"
    assert network.contacts() == before


@pytest.mark.parametrize("zone", ["allowed.test", "older.test"])
@pytest.mark.parametrize("path", ["bytes", "chunked"])
def test_a_large_download_arrives_whole(curl: Curl, network: Network, product: Product, zone: str, path: str) -> None:
    host, size = network.fresh(zone), 48 * MEBIBYTE + 7
    answer = curl(network.url(host, f"/{path}/{size}"))
    assert (answer.code, answer.status, len(answer.body)) == (0, 200, size)
    block = bytes(range(256)) * 256
    whole, rest = divmod(size, len(block))
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(block * whole + block[:rest]).digest()
    [decision, end] = product.recorded(2, host=host)
    assert (decision["event"], end["event"], decision["id"]) == ("decision", "end", end["id"])
    assert (end["bytes_out"], end["outcome"]) == (size, "ok")


def test_hundreds_of_requests_over_one_connection(curl: Curl, network: Network, product: Product) -> None:
    """curl 7.88 ends every request with a reset, behind its answer: the 201st was taken for a flood of them."""
    host = network.fresh("allowed.test")
    urls = network.url(host, "/[1-250]")
    command = ["-w", "%{http_code} %{num_connects}\n", "--http2", "--fail-early"]
    told = curl.many(urls, *command)
    assert (told[0], set(told[1:]), len(told)) == ("200 1", {"200 0"}, 250)
    assert product.records(host=host, reason="protocol.malformed") == []


def test_a_passed_through_host_keeps_its_own_certificate(curl: Curl, network: Network, product: Product) -> None:
    seen = len(product.records(host="bank.test"))
    own = curl(network.url("bank.test"), trust=network.authority.file)
    assert (own.code, own.status) == (0, 200)
    assert curl(network.url("bank.test")).code == 60  # the district's authority did not sign it
    first, second = product.recorded(seen + 2, host="bank.test")[seen:]
    assert (first["user"], first["action"], first["scheme"], first["path"]) == ("ana", "passthrough", "tunnel", "/")
    assert first["bytes_out"] > 0
    assert second["action"] == "passthrough"


def test_a_passed_through_host_is_not_a_way_to_another(curl: Curl, network: Network, product: Product) -> None:
    """The name in the TLS hello has to be the one that was judged."""
    before = network.contacts()
    seen = len(product.records(host="bank.test"))
    answer = curl(
        network.url("blocked.test"), "--connect-to", f"blocked.test:{network.tls_port}:bank.test:{network.tls_port}"
    )
    assert answer.code != 0
    row = product.recorded(seen + 1, host="bank.test")[-1]
    assert (row["action"], row["reason"]) == ("block", "address.mismatch")
    assert network.contacts() == before


def test_gambling_is_blocked_as_the_district_set_it(curl: Curl, network: Network, product: Product) -> None:
    assert curl(network.url("casino.test")).status == 403
    [row] = product.recorded(host="casino.test")
    assert (row["category"], row["basis"], row["list"]) == ("gambling", "district policy", "ours")


@pytest.mark.parametrize("way", ["through the proxy", "direct"])
@pytest.mark.parametrize(
    ("path", "type_", "words"),
    [
        ("/proxy.pac", "application/x-ns-proxy-autoconfig", b"FindProxyForURL"),
        ("/ca.crt", "application/x-x509-ca-cert", b""),
        ("/", "text/html", b"Example Unified"),
        ("/help", "text/html", b"209 555 0100"),
        ("/healthz", "text/plain", b"ok"),
    ],
)
def test_what_is_reachable_before_sign_in(curl: Curl, way: str, path: str, type_: str, words: bytes) -> None:
    if way == "direct":
        url, arguments = f"http://127.0.0.1:{curl.product.port}{path}", ["--proxy", "", "-H", f"Host: {PUBLIC_NAME}"]
    else:
        url, arguments = f"http://{PUBLIC_NAME}{path}", []
    answer = curl(url, "-H", "Accept: text/html", *arguments, user=None)
    assert answer.status == 200
    assert f"content-type: {type_}" in answer.headers
    assert words in answer.body
    assert answer.body


def test_the_audit_log_names_nobody(curl: Curl, network: Network, product: Product) -> None:
    """Invariant 7: outside a case `user` is a pseudonym, `client` and `path` are empty."""
    host = network.fresh("blocked.test")
    curl(network.url(host, "/private/path"))
    [row] = product.recorded(host=host)
    [shown] = [shown for shown in product.audit() if shown["id"] == row["id"]]
    assert (shown["host"], shown["category"], shown["action"]) == (host, "pornography", "block")
    assert shown["user"] not in (None, "", "ana")
    assert not shown["client"]
    assert not shown["path"]


def test_one_persons_log_needs_a_case(product: Product) -> None:
    result = product.command("audit", "log", "--json", "--user", "ana")
    assert (result.returncode, result.stdout) == (4, "")
    assert len(result.stderr.strip().splitlines()) == 1
