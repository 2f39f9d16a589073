"""`doctor` from the client's side: somebody answers, a blocked site is refused, the filter itself is reached.

No request of these leaves the machine: the blocked host is a reserved `.test` name, the allowed one is the filter.
"""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from proxy.authority import CERTIFICATE_FILE
from proxy.doctor_word import LOOK, START
from proxy.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

    from config.proxy_settings import Listener
    from proxy.doctor_subject import Subject

_SECONDS = 5.0
_BODY_CAP = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, Proxy-Status (RFC 9209) and the beginning of the body."""

    status: int
    proxy_status: str
    body: bytes


def check_listeners(subject: Subject) -> tuple[Finding, ...]:
    """Each listener takes a connection, and a worker behind it says that it is well."""
    return tuple(_listener_finding(listener, _started(subject)) for listener in subject.settings.proxy.listen)


def check_blocked_probe(subject: Subject) -> tuple[Finding, ...]:
    """A host of the floor is refused. Before sign-in the filter asks who one is, and nothing passes either."""
    host, listener = probe_host(), subject.settings.proxy.listen[0]
    fields = {} if subject.authorization is None else {"Proxy-Authorization": subject.authorization}
    try:
        reply = ask(listener, f"http://{host}/", fields)
    except (OSError, http.client.HTTPException) as error:
        return (Finding("blocked probe", Level.RED, f"{host}: no answer: {_why(error)}", _started(subject)),)
    if reply.status == 403 and "category." in reply.proxy_status:
        return (Finding("blocked probe", Level.OK, f"{host} is refused: {reply.proxy_status}"),)
    if reply.status == 407 and "identity." in reply.proxy_status and subject.authorization is None:
        return (Finding("blocked probe", Level.OK, f"{host} is refused: the filter asks who one is (407)"),)
    what = f"{host} was answered with {reply.status} {reply.proxy_status or 'and no Proxy-Status'}"
    return (Finding("blocked probe", Level.RED, what, "look with: breakwater explain http://" + host),)


def check_allowed_probe(subject: Subject) -> tuple[Finding, ...]:
    """The filter's own pages are reached through the proxy, and hand out the authority that is on the disk."""
    host, listener = subject.settings.proxy.public_name, subject.settings.proxy.listen[0]
    try:
        reply = ask(listener, f"http://{host}/ca.crt", {})
    except (OSError, http.client.HTTPException) as error:
        return (Finding("allowed probe", Level.RED, f"{host}: no answer: {_why(error)}", _started(subject)),)
    if reply.status != 200:
        what = f"{host} was answered with {reply.status} {reply.proxy_status}".strip()
        return (Finding("allowed probe", Level.RED, what, "look at the filter's own messages"),)
    if reply.body != (subject.state_dir / "ca" / CERTIFICATE_FILE).read_bytes():
        what = f"{host} hands out another authority than the one on the disk"
        return (Finding("allowed probe", Level.RED, what, "restart the filter; look who listens there"),)
    return (Finding("allowed probe", Level.OK, f"{host} is reached through the proxy"),)


def ask(listener: Listener, target: str, fields: Mapping[str, str]) -> Reply:
    """Send one GET to a listener: an origin-form target to the filter, an absolute one through it.

    Raises OSError, http.client.HTTPException.
    """
    with closing(_connection(listener)) as connection:
        connection.request("GET", target, headers=dict(fields))
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheader("Proxy-Status", ""), answer.read(_BODY_CAP))


@cache
def probe_host() -> str:
    """The first reserved name of our own list of obscene hosts: in force wherever the starter lists are."""
    text = (resources.files("categories.starter") / "obscene.domains").read_text("utf-8")
    hosts = (line.partition("#")[0].strip() for line in text.splitlines())
    return next(host for host in hosts if host.endswith(".test"))


def _started(subject: Subject) -> str:
    return LOOK if subject.runs else START


def _listener_finding(listener: Listener, silent: str = START) -> Finding:
    name = f"listener {listener.address}"
    if listener.port == 0:
        return Finding(name, Level.WARN, "takes a free port, so it cannot be asked", "name a port to have it checked")
    try:
        reply = ask(listener, "/healthz", {})
    except (OSError, http.client.HTTPException) as error:
        return Finding(name, Level.RED, f"no answer: {_why(error)}", silent)
    if reply.status != 200:
        what = f"/healthz was answered with {reply.status}: {reply.body[:80].decode('ascii', 'replace').strip()}"
        return Finding(name, Level.RED, what, "look at the filter's own messages, or who else listens there")
    return Finding(name, Level.OK, "answers")


def _connection(listener: Listener) -> http.client.HTTPConnection:
    host = _reachable(listener.ip)
    if listener.tls is None:
        return http.client.HTTPConnection(host, listener.port, timeout=_SECONDS)
    return http.client.HTTPSConnection(host, listener.port, timeout=_SECONDS, context=_any_certificate())


def _any_certificate() -> ssl.SSLContext:
    """The listener's certificate is for its name, and it is asked by address: is it there at all, is the question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reachable(address: IPv4Address | IPv6Address) -> str:
    """Where a listener on all addresses is reached from here."""
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
