"""What the collector tells Prometheus. It sees every decision, so no worker serves metrics (reference/storage.md 4).

Never a user, a client or a host in a label: metrics are read by people who may not read the log (invariant 7).
"""

from __future__ import annotations

import errno
import socket
import threading
from collections import Counter as Tally
from http import HTTPStatus
from ipaddress import ip_address
from operator import itemgetter
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, make_wsgi_app

from usage_log.frames import column

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from usage_log.frames import Stamped


_DECIDED: Final = itemgetter(*map(column, ("event", "action", "category", "reason")))
_SENT: Final = itemgetter(column("bytes_in"))
_RECEIVED: Final = itemgetter(column("bytes_out"))


class MetricsUnavailable(Exception):
    """The address cannot be used. The message is one line: what, where, what to do."""


class Metrics:
    """The figures of one collector, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "breakwater_decisions",
            "Final verdicts stored",
            ("action", "category", "reason"),
            registry=self.registry,
        )
        self._bytes = Counter(
            "breakwater_bytes",
            "Body bytes moved, sent or received by clients",
            ("direction",),
            registry=self.registry,
        )
        self.corrupt = Counter(
            "breakwater_spool_corrupt", "Damaged stretches of spool segments set aside", registry=self.registry
        )
        self.troubles = Counter(
            "breakwater_collector_troubles", "Attempts to store records that failed", registry=self.registry
        )
        self.attempt_alerts = Counter(
            "breakwater_attempt_alerts", "Alerts about repeated attempts of one user", registry=self.registry
        )
        self.backlog = Gauge(
            "breakwater_spool_backlog_bytes", "Bytes of spool segments not yet read, at most", registry=self.registry
        )
        self.oldest_unread = Gauge(
            "breakwater_spool_oldest_unread_seconds", "Age of the oldest record not yet stored", registry=self.registry
        )
        self.day_bytes = Gauge("breakwater_day_file_bytes", "Size of today's day file (UTC)", registry=self.registry)
        self.last_commit = Gauge(
            "breakwater_last_commit_timestamp_seconds", "Unix time of the last commit", registry=self.registry
        )

    def count(self, stored: Iterable[Stamped]) -> None:
        """Count records that have been committed. The decision on what stays open has no bytes yet: its end has."""
        rows = list(stored)
        for (event, action, category, reason), times in Tally(map(_DECIDED, rows)).items():
            if event == "decision":
                self._decisions.labels(action, category or "", reason).inc(times)
        self._bytes.labels("sent").inc(sum(map(_SENT, rows)))
        self._bytes.labels("received").inc(sum(map(_RECEIVED, rows)))


def parse_address(text: str) -> tuple[str, int]:
    """Split "127.0.0.1:9100" or "[::1]:9100" into address and port. Raises ValueError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and 0 <= int(port) < 65536):
        raise ValueError(f'"{text}" is not ADDRESS:PORT')
    return str(ip_address(host)), int(port)


class MetricsServer:
    """Serves `/metrics`, and nothing else, from a thread of its own. Raises MetricsUnavailable."""

    def __init__(self, metrics: Metrics, address: tuple[str, int]) -> None:
        kind = _Server6 if ":" in address[0] else _Server
        try:
            self._server = make_server(*address, _only_metrics(make_wsgi_app(metrics.registry)), kind, _Quiet)
        except OSError as error:
            raise MetricsUnavailable(_unavailable(address, error)) from error
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.5,), name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _unavailable(address: tuple[str, int], error: OSError) -> str:
    where = f"metrics: {address[0]} port {address[1]}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is already in use: stop what listens there or choose another port"
    return f"{where} cannot be used: {error.strerror}"


def _only_metrics(metrics: WSGIApplication) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/metrics" and environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            return metrics(environ, start_response)
        start_response(f"{HTTPStatus.NOT_FOUND.value} Not Found", [("Content-Type", "text/plain")])
        return [b"Only /metrics is here.\n"]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that goes away in the middle is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10  # seconds for a request to arrive

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Scrapes every few seconds are no news."""
