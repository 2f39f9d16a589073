"""A small district in good health, for doctor to look at, and a stand-in for its listener."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from categories.update import compile_generation
from config.revisions import Revisions
from proxy.authority import open_or_create
from proxy.doctor_subject import Subject, subject_of
from proxy.identity import accounts_file
from proxy.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = """\
district: {{name: Example Unified}}
state_dir: state
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: {starter_only}
proxy: {{listen: ["127.0.0.1:{port}"], public_name: filter.example.test}}
"""

Answers = dict[str, tuple[int, dict[str, str], bytes]]


def district(folder: Path, port: int = 1, *, starter_only: str = "true") -> Path:
    """Make a district that was applied, compiled, and has an authority, one account and a worker."""
    config = folder / "district.yaml"
    config.write_text(FILE.format(port=port, starter_only=starter_only))
    state = folder / "state"
    state.mkdir(mode=0o700)
    for name in ("spool", "log", "run", "audit-keys"):
        (state / name).mkdir(mode=0o700)
    now = datetime.now(UTC)
    Revisions(state).apply(config, "ann", "first", now)
    compile_generation((), state / "lists")
    open_or_create(state / "ca", "Example Unified", now)
    accounts_file.add(state / "accounts.json", "ann", "correct horse battery", "staff", now)
    say(state)
    return config


def say(state: Path, refused: object = None, collector: object = None, **worker: object) -> None:
    """Write what the supervisor would write about one worker and the collector."""
    about = {"worker": 1, "revision": 1, "problem": None, "spool": None} | worker
    collector = {"oldest_unread_seconds": 0.1, "trouble": None, "heard": time.time()} | (collector or {})
    status = {"workers": [about], "collector": collector, "refused_certificates": refused or {}}
    write_private(state / "run" / "status.json", json.dumps(status).encode())


def subject(config: Path, **changes: object) -> Subject:
    """The district as doctor sees it now, with a filter that runs."""
    return replace(subject_of(config, datetime.now(UTC)), **({"runs": True} | changes))


@contextmanager
def listener(answers: Answers) -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    """Answer by target, as a proxy would; gives the port, and what was asked with which credentials."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            status, fields, body = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def only(check: Callable[[Subject], tuple], examined: Subject):
    """The one finding of a check."""
    (finding,) = check(examined)
    return finding
