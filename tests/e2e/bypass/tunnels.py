"""Tunnels for anything: shadowsocks, plain and dressed up by simple-obfs, and httptunnel. What they fetch is a page."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.bypass.ground import PASSWORD, USER, Ground, Way, daemon, ran
from tests.e2e.bypass.small_server import Handler, small_server
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.e2e.bypass.gate import Gate

MARKER = "a page beyond the filter"
_CIPHER = ("-k", "made-up", "-m", "aes-256-gcm")


class _Page(Handler):
    def reply(self) -> None:
        self.answer(MARKER.encode(), "text/plain")


@contextmanager
def page(_: Ground) -> Iterator[int]:
    """The port on loopback of what a tunnel is dug for."""
    with small_server(_Page) as (_, port):
        yield port


def fetched(*curl: object, environment: dict[str, str] | None = None) -> bool:
    """True when curl brings the page home."""
    own = {"PATH": os.environ["PATH"], **(environment or {})}
    return MARKER in ran("curl", "-q", "-sS", "--max-time", "8", *curl, environment=own)


@contextmanager
def _shadow_server(ground: Ground, name: str, *plugin: str) -> Iterator[Gate]:
    port = free_port("127.0.0.1")
    with daemon("ss-server", "-s", "127.0.0.1", "-p", port, *_CIPHER, *plugin, folder=ground.folder, port=port):
        yield ground.serve(name, ("127.0.0.1", port))


def _shadow(ground: Ground, way: Way, name: str, *plugin: str) -> bool:
    local = free_port("127.0.0.1")
    server = ["-s", "127.0.0.1", "-p", ground.led(way, name), *_CIPHER, *plugin]
    with daemon("ss-local", "-b", "127.0.0.1", "-l", local, *server, folder=ground.folder, port=local):
        return fetched("--socks5-hostname", f"127.0.0.1:{local}", f"http://127.0.0.1:{ground.once(page)}/")


def _plugin(program: str, kind: str, *options: str) -> tuple[str, ...]:
    return "--plugin", program, "--plugin-opts", ";".join((f"obfs={kind}", *options))


def shadow_server(ground: Ground) -> AbstractContextManager[Gate]:
    return _shadow_server(ground, "shadow.test")


def shadowsocks(ground: Ground, way: Way) -> bool:
    return _shadow(ground, way, "shadow.test")


def obfs_http_server(ground: Ground) -> AbstractContextManager[Gate]:
    return _shadow_server(ground, "obfs-http.test", *_plugin("obfs-server", "http"))


def obfs_tls_server(ground: Ground) -> AbstractContextManager[Gate]:
    return _shadow_server(ground, "obfs-tls.test", *_plugin("obfs-server", "tls"))


def obfs(kind: str, claimed: str) -> Callable[[Ground, Way], bool]:
    """A client whose disguise names `claimed`: another site, or truly the one that it goes to."""

    def works(ground: Ground, way: Way) -> bool:
        return _shadow(ground, way, f"obfs-{kind}.test", *_plugin("obfs-local", kind, f"obfs-host={claimed}"))

    return works


@contextmanager
def http_tunnel_server(ground: Ground) -> Iterator[Gate]:
    port = free_port("127.0.0.1")
    forward = f"127.0.0.1:{ground.once(page)}"
    with daemon("hts", "-w", "-F", forward, port, folder=ground.folder, port=port):
        yield ground.serve("tunnel.test", ("127.0.0.1", port))


def httptunnel(ground: Ground, way: Way) -> bool:
    local = free_port("127.0.0.1")
    command = ["htc", "-w", "-F", local, "-P", way.host, "-A", f"{USER}:{PASSWORD}", f"tunnel.test:{ground.port}"]
    with daemon(*command, folder=ground.folder, port=local):
        return fetched(f"http://127.0.0.1:{local}/")
