import pytest

from tests.config.district import check_refused, settings

LISTENERS = [
    ("two listeners on one port", "listen: ['127.0.0.1:8080', '0.0.0.0:8080']", "proxy.listen[1]", "earlier listener"),
    ("no listener", "listen: []", "proxy.listen", "nobody could be served"),
    ("a listener with a name", "listen: ['localhost:8080']", "listen[0].address", "IP address and a port"),
    ("a listener without a port", "listen: ['127.0.0.1']", "listen[0].address", "IP address and a port"),
    ("a listener on port 65536", "listen: ['127.0.0.1:65536']", "listen[0].address", "no port"),
]

TOGETHER = [
    (
        "passwords in the open",
        "proxy: {listen: ['0.0.0.0:8080']}\nidentity: {required: true}  # <-\n",
        "identity.methods",
        "readable",
    ),
    (
        "everybody unnamed on a network",
        "proxy: {listen: ['0.0.0.0:8080']}\nidentity: {required: false, methods: []}  # <-\n",
        "identity.required",
        "loopback only",
    ),
    ("nobody can say who they are", "identity: {methods: []}  # <-\n", "identity.methods", "who they are"),
    (
        "metrics on the proxy's port",
        "metrics: {listen: '127.0.0.1:8080'}  # <-\n",
        "metrics.listen",
        "taken by proxy.listen",
    ),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in LISTENERS], ids=[row[0] for row in LISTENERS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(f"proxy:\n  workers: 1\n  {more}  # <-\n", key, why)


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in TOGETHER], ids=[row[0] for row in TOGETHER])
def test_refused_together(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)


ALLOWED = [
    ("Basic in the open, said so", "proxy: {listen: ['0.0.0.0:8080'], allow_plain_basic: true}"),
    ("said so at one listener", "proxy: {listen: [{address: '0.0.0.0:8080', allow_plain_basic: true}]}"),
    ("Basic inside TLS", "proxy: {listen: [{address: '0.0.0.0:8443', tls: {cert_file: a, key_file: b}}]}"),
    ("unnamed on loopback", "identity: {required: false, methods: []}"),
    ("IPv4 and IPv6 on one port", "proxy: {listen: ['127.0.0.1:8080', '[::1]:8080']}"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)
