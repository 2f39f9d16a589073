"""From a CONNECT head or an HTTP flow to RequestFacts. What the client claims is stated here, and believed nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.address import MalformedAddress, canonical_host, literal, parse, parse_authority
from proxy.facts import PATH_CAP, Intent, RequestFacts, Stage, uncut
from proxy.overrides import NAMES
from proxy.search_terms import searched
from proxy.snapshot import school_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mitmproxy import http

    from proxy.connect import IPAddress
    from proxy.head import Head
    from proxy.identity.identified import Identified
    from proxy.recording import Exchange
    from proxy.snapshot import PolicySnapshot

#: The fields that detectors are shown, those that some detector asks for: any other may hold a secret.
SHOWN = NAMES | {
    *("accept", "content-length", "content-type", "origin", "proxy-connection", "referer", "sec-fetch-dest"),
    *("range", "sec-websocket-protocol", "transfer-encoding", "upgrade", "user-agent"),
    *("appid", "capsule-protocol", "clientid", "snowflake-nat-type", "x-aggregate-auth", "x-bare-headers"),
    *("x-bare-host", "x-bare-url", "x-cmd", "x-cstp-version", "x-session-id", "x-target", "x-transcend-version"),
}

#: Longest value of a field that detectors see, in characters.
_VALUE_CAP = 2048

#: A header that names a host which is no host: never equal to a canonical one, so it never agrees with anything.
_NO_HOST = "(malformed)"

_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_TARGET = re.compile(rb"/[^\x00-\x20#\x7f]*")
_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*")  # a line each
_DOTTED = re.compile(rb"\\|(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/;\\]|%2f|%5c)", re.IGNORECASE)
_BREAKS = re.compile(rb"[\r\n\0]")

_FRAMED = frozenset({"document", "iframe", "frame", "embed", "object"})


@dataclass(slots=True)
class Tunnel:
    """A CONNECT that was answered 200 and is now intercepted: inside it, the user is the CONNECT's."""

    host: str
    port: int
    identified: Identified
    exchange: Exchange
    sni: str | None = None
    begun: bool = False  # whether the client has said anything inside
    original: IPAddress | None = None  # where the client meant to connect, of a connection that was redirected
    awaited: bool = False  # whether it has been given time to say more inside TLS


def connect_facts(
    head: Head, client: str, identified: Identified, snapshot: PolicySnapshot, interceptable: bool
) -> RequestFacts:
    """State what a CONNECT says.

    Raises MalformedAddress.
    """
    if not head.target.isascii():  # RFC 3986, 3.2.2: an IDN is written in ASCII; which bytes these are, nobody says
        raise MalformedAddress("CONNECT to a name that is not ASCII")
    host, port = parse_authority(head.target)
    return RequestFacts(
        stage=Stage.CONNECT,
        at=datetime.now(UTC),
        client=client,
        method="CONNECT",
        scheme="tunnel",
        host=host,
        port=port,
        ip=literal(host),
        user=identified.user,
        identity=identified.proved_by,
        identity_problem=identified.problem,
        school=school_of(client, snapshot),
        interceptable=interceptable,
        fields=shown_fields(head.fields),
    )


def request_facts(
    flow: http.HTTPFlow, client: str, identified: Identified, tunnel: Tunnel | None, snapshot: PolicySnapshot
) -> RequestFacts:
    """State what a request says.

    Raises MalformedAddress.
    """
    request = flow.request
    _refuse_unfit(request)
    path = request.data.path.decode("utf-8", "replace")  # whole: what is cut off here would go to the origin unjudged
    # The host is canonical inside a tunnel; outside it mitmproxy has IDNA-decoded it, and parsing encodes it again.
    host = f"[{request.host}]" if ":" in request.host else request.host
    address, intent = parse(f"{request.scheme}://{host}:{request.port}{path}"), _intent(request)
    return RequestFacts(
        stage=Stage.REQUEST,
        at=datetime.now(UTC),
        client=client,
        method=request.method[:32],
        scheme=_scheme(flow),
        host=address.host,
        port=address.port,
        path=address.path[:PATH_CAP],
        query=address.query[:PATH_CAP],
        uncut=uncut(path, address.path, address.query),
        ip=address.ip,
        user=identified.user,
        identity=identified.proved_by,
        identity_problem=identified.problem,
        school=school_of(client, snapshot),
        tunnel_host=tunnel.host if tunnel else None,
        tunnel_port=tunnel.port if tunnel else None,
        sni=tunnel.sni if tunnel else None,
        original=tunnel.original if tunnel else None,
        host_header=_claimed_host(flow, address.host, address.port) if tunnel else None,
        intent=intent,
        page=_page(request),
        fields=shown_fields(request.headers.fields),
        search_terms=searched(address, intent) if snapshot.record_search_terms else None,
    )


def shown_fields(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Give what detectors may see of a request's head. An underscore in a name is read as a hyphen (overrides.py)."""
    return some_fields(((raw.replace(b"_", b"-"), value) for raw, value in fields), SHOWN)


def some_fields(fields: Iterable[tuple[bytes, bytes]], wanted: frozenset[str]) -> dict[str, str]:
    """Give the fields that are wanted: names in lower case, repeated fields joined (RFC 9110, section 5.3)."""
    some: dict[str, str] = {}
    for raw, value in fields:
        name = raw.lower().decode("ascii", "replace")
        if name in wanted:
            text = value[:_VALUE_CAP].decode("utf-8", "replace")
            some[name] = f"{some[name]}, {text}"[:_VALUE_CAP] if name in some else text
    return some


def _refuse_unfit(request: http.Request) -> None:
    """Refuse what an origin might read differently: mitmproxy lets it through, from HTTP/2 above all.

    A method is a token, a target begins with a slash and holds no blank, a value no CR, LF or NUL (RFC 9110, sections
    5.5 and 9.1; RFC 9112, section 3.2). `OPTIONS *` asks about a server, not a page, and is refused with the rest.
    """
    data = request.data
    if not _METHOD.fullmatch(data.method) or not _TARGET.fullmatch(data.path):
        raise MalformedAddress("a request line that is none")
    if not data.headers.fields:
        return
    names, values = zip(*data.headers.fields, strict=True)
    lines = b"\n".join(names)  # all in one look: a name that holds a line feed makes a line too many
    if not _NAMES.fullmatch(lines) or lines.count(b"\n") != len(names) - 1 or _BREAKS.search(b" ".join(values)):
        raise MalformedAddress("a field that is none")
    if lines.lower().split(b"\n").count(b"host") > 1:
        raise MalformedAddress("a request to two hosts")  # RFC 9112, section 3.2


def _scheme(flow: http.HTTPFlow) -> str:
    """Say ws or wss where the request asks for a WebSocket."""
    request = flow.request
    if request.headers.get("upgrade", "").lower() == "websocket":
        return "wss" if request.scheme == "https" else "ws"
    return request.scheme


def _claimed_host(flow: http.HTTPFlow, host: str, port: int) -> str | None:
    """Give the one host that :authority, the absolute form and every Host header name; else one that disagrees."""
    request = flow.request
    claims = [request.authority, *request.headers.get_all("host")]
    named = [_host_of(claim, port) for claim in claims if claim]
    return next((name for name in named if name != host), named[0] if named else None)


def _host_of(claim: str, port: int) -> str:
    try:
        host, claimed_port = parse_authority(claim, default_port=port)
    except MalformedAddress:
        return _NO_HOST
    return host if claimed_port == port else f"{host}:{claimed_port}"


def _intent(request: http.Request) -> Intent:
    headers = request.headers
    if "prefetch" in headers.get("sec-purpose", ""):
        return Intent.PREFETCH
    destination = headers.get("sec-fetch-dest")
    if destination is None:
        # Not sent to plain-http targets (reference/interface.md, 1.5): a browser's page asks for HTML by Accept.
        asks_page = request.method in ("GET", "POST") and "text/html" in headers.get("accept", "")
        return Intent.NAVIGATE if asks_page else Intent.BACKGROUND
    if destination == "document" and headers.get("sec-fetch-mode") == "navigate":
        return Intent.NAVIGATE
    if destination in _FRAMED or destination != "empty" or "referer" in headers:
        return Intent.SUBRESOURCE
    return Intent.BACKGROUND


def _page(request: http.Request) -> str | None:
    """Give the initiator's host; a claim by the client, kept as such."""
    claim = request.headers.get("referer") or request.headers.get("origin")
    if not claim or claim == "null":
        return None
    try:
        return parse(claim[:PATH_CAP]).host
    except MalformedAddress:
        return None


def judged_target(raw: bytes, facts: RequestFacts) -> bytes | None:
    """Give the path and query to send on where the origin might resolve the raw ones differently; else None.

    A browser resolves dot segments and backslashes itself, so only what is no browser sends them.
    """
    if not _DOTTED.search(raw.partition(b"?")[0]):
        return None
    return (f"{facts.path}?{facts.query}" if facts.query else facts.path).encode()


def sni_of(name: str | None) -> str | None:
    """Give a ClientHello's server name as a canonical host; one that is none agrees with nothing."""
    if name is None:
        return None
    try:
        return canonical_host(name)
    except MalformedAddress:
        return _NO_HOST


def protocols(offered: Iterable[bytes]) -> tuple[str, ...]:
    """Give the protocols that a ClientHello offers as text; what is no ASCII names none that is known."""
    return tuple(name.decode("ascii", "replace") for name in offered)


def malformed_facts(client: str, snapshot: PolicySnapshot, method: str, tunnel: Tunnel | None = None) -> RequestFacts:
    """State the little that is known of a request that cannot be read: its tunnel's, and nothing that it claims."""
    proved = tunnel.identified if tunnel else None
    return RequestFacts(
        stage=Stage.REQUEST,
        at=datetime.now(UTC),
        client=client,
        method=method if _METHOD.fullmatch(method.encode()) else "",
        scheme="https" if tunnel else "http",
        host=tunnel.host if tunnel else "",
        port=tunnel.port if tunnel else 0,
        path="",
        user=proved.user if proved else None,
        identity=proved.proved_by if proved else None,
        school=school_of(client, snapshot),
    )
