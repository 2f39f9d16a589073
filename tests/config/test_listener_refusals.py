import pytest

from config.listener_refusals import SEGMENT_BYTES
from tests.config.district import check_refused, settings
from usage_log import spool

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
        "proxy: {listen: ['0.0.0.0:8080']}\nidentity: {required: false}  # <-\n",
        "identity.required",
        "loopback only",
    ),
    ("nobody can say who they are", "identity: {methods: []}  # <-\n", "identity.methods", "who they are"),
    (
        "nobody could, though nobody has to",
        "identity: {required: false, methods: []}  # <-\n",
        "identity.methods",
        "who they are",
    ),
    (
        "a spool of one segment a worker",
        "proxy:\n  workers: 16\n  limits: {spool_bytes: 128MiB}  # <-\n",
        "proxy.limits.spool_bytes",
        "write at least 768MiB",
    ),
    (
        "a spool just too small",
        "proxy:\n  workers: 2\n  limits: {spool_bytes: 100663295}  # <-\n",
        "proxy.limits.spool_bytes",
        "write at least 96MiB",
    ),
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
    ("unnamed on loopback", "identity: {required: false}"),
    ("the smallest spool", "proxy: {workers: 2, limits: {spool_bytes: 96MiB}}"),
    ("IPv4 and IPv6 on one port", "proxy: {listen: ['127.0.0.1:8080', '[::1]:8080']}"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)


def test_a_spool_for_automatic_workers_is_counted_by_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "proxy:\n  workers: auto\n  limits: {spool_bytes: 192MiB}  # <-\n"
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)))
    assert settings(text).proxy.worker_count == 4
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(5)))
    check_refused(text, "proxy.limits.spool_bytes", "5 workers")


def test_a_segment_is_what_the_usage_log_writes() -> None:
    assert SEGMENT_BYTES == spool.SEGMENT_BYTES
