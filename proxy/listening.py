"""The listening sockets: bound once by the supervisor, or taken from systemd or from the supervisor before, and shared.

With SO_REUSEPORT instead, "port in use" could not be seen, and a restart would lose connections that wait in a dead
worker's queue (reference/engine.md, item 2).
"""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BACKLOG = 4096
_FIRST_SYSTEMD_FD = 3
_SYSTEMD = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

#: Workers whose supervisor was killed let go of the port within a moment: so long is it asked for again, in seconds.
_TAKEN_SECONDS = 2.0


class CannotListen(Exception):
    """A listener cannot be had. The message is one line."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: the address as it stands in the settings (port 0: any), and the files of its TLS, if any."""

    address: str
    port: int
    cert_file: str | None = None
    key_file: str | None = None
    transparent: bool = False  # for connections that a router redirects (proxy/transparent.py)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket, and what it was asked for as."""

    listen: Listen
    socket: socket.socket

    @property
    def shown(self) -> str:
        """Address and port as they are bound."""
        address, port = self.socket.getsockname()[:2]
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def bind(
    wanted: tuple[Listen, ...], inherited: Mapping[tuple[str, int], socket.socket] | None = None
) -> list[Listener]:
    """Give a socket for each address: one of `inherited`, of systemd's (LISTEN_FDS, sd_listen_fds(3)), or a new one.

    What was inherited and is not wanted any more is closed. What systemd gives must be wanted: it would accept
    connections that nobody takes. Raises CannotListen.
    """
    given = dict(inherited or {})
    named = {(listen.address, listen.port) for listen in wanted}
    for place in given.keys() - named:
        given.pop(place).close()
    for sock in _from_systemd():
        given[_place_of(sock, named)] = sock
    return [
        Listener(listen, given.get((listen.address, listen.port)) or _bound(listen.address, listen.port))
        for listen in wanted
    ]


def _from_systemd() -> list[socket.socket]:
    """Take the sockets that systemd has bound, and remove what told of them: no child may take them for its own."""
    told = {name: os.environ.pop(name, "") for name in _SYSTEMD}
    if told["LISTEN_PID"] != str(os.getpid()):
        return []
    count = int(told["LISTEN_FDS"])
    sockets = [socket.socket(fileno=fd) for fd in range(_FIRST_SYSTEMD_FD, _FIRST_SYSTEMD_FD + count)]
    for sock in sockets:
        sock.set_inheritable(False)
    return sockets


def _place_of(sock: socket.socket, named: set[tuple[str, int]]) -> tuple[str, int]:
    """Say which of the wanted addresses a socket of systemd's is for."""
    internet = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM
    place = sock.getsockname()[:2] if internet else (str(sock.getsockname()), 0)
    if place in named:
        return place
    sock.close()
    raise CannotListen(
        f"proxy.listen: systemd gives a socket for {place[0]} port {place[1]}, which does not stand there; "
        "make ListenStream= of the .socket unit the same addresses, in numbers"
    )


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    deadline = time.monotonic() + _TAKEN_SECONDS
    while True:
        try:
            return socket.create_server((address, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CannotListen(
                    f"proxy.listen: cannot listen on {address}:{port}: {os.strerror(error.errno or 0)}; "
                    "stop what uses it, or name another address"
                ) from error
        time.sleep(0.05)


def for_worker(listeners: list[Listener]) -> str:
    """Say in one argument what a worker needs to know of the sockets that it inherits."""
    told = [(each.socket.fileno(), each.listen) for each in listeners]
    return json.dumps([(fd, listen.cert_file, listen.key_file, listen.transparent) for fd, listen in told])


@dataclass(frozen=True, slots=True)
class Shared:
    """A listening socket as a worker has it, with what is needed to speak TLS to clients, if it does."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    transparent: bool = False


def in_worker(argument: str) -> list[Shared]:
    """Take what `for_worker` said.

    Raises OSError for a certificate or key that cannot be used (ssl.SSLError is one).
    """
    listeners = [
        Shared(socket.socket(fileno=fd), _context(cert, key), transparent)
        for fd, cert, key, transparent in json.loads(argument)
    ]
    for each in listeners:
        each.socket.setblocking(False)
    return listeners


def _context(cert_file: str | None, key_file: str | None) -> ssl.SSLContext | None:
    if cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])  # CONNECT over HTTP/2 is not spoken here
    context.load_cert_chain(cert_file, key_file)
    return context
