"""Tunnels that look like requests: httptunnel, web shells with a proxy in them, WebSocket handshakes that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_HTTP, _WEBSOCKET = (
    Match(reason, reasons.title_of(reason)) for reason in ("bypass.http-tunnel", "bypass.websocket-tunnel")
)

#: How subprotocols of tunnels begin: chisel's ("chisel-v3") and wstunnel's ("authorization.bearer.<token>"). Kubernetes
#: ends one in `.bearer.authorization.k8s.io`.
_SUBPROTOCOLS = ("chisel-", "authorization.bearer.")


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a tunnel by its request's head."""
    fields = facts.fields
    if "upgrade" in fields and facts.scheme in ("ws", "wss"):
        return _WEBSOCKET if _has_body(facts) or _is_tunnel(facts) else None
    if "x-cmd" in fields and ("x-target" in fields or fields["x-cmd"].upper() in _COMMANDS):
        return _HTTP
    return _HTTP if facts.query.startswith(_QUERIES) and (_is_httptunnel(facts) or _is_regeorg(facts.query)) else None


def _has_body(facts: RequestFacts) -> bool:
    """A handshake is a GET without a body (RFC 6455, section 4.1); simple-obfs sends its first bytes as one."""
    fields = facts.fields
    return fields.get("content-length", "0").strip("0") != "" or "transfer-encoding" in fields


def _is_tunnel(facts: RequestFacts) -> bool:
    offered = [each.strip().lower() for each in facts.fields.get("sec-websocket-protocol", "").split(",")]
    return any(each.startswith(_SUBPROTOCOLS) for each in offered)


def _is_httptunnel(facts: RequestFacts) -> bool:
    """`htc` asks for /index.html?crap=<seconds since 1970> in both directions, and sends no User-Agent."""
    name, _, value = facts.query.partition("=")
    return name == "crap" and value.isdecimal() and "user-agent" not in facts.fields


#: How the queries of tunnels begin.
_REGEORG = "cmd=connect&target="
_QUERIES = ("crap=", _REGEORG)


#: What reGeorg and its relatives say to the page that they were put behind, and the parameters of the first word.
_COMMANDS = frozenset({"CONNECT", "DISCONNECT", "READ", "FORWARD"})


def _is_regeorg(query: str) -> bool:
    return query.startswith(_REGEORG) and "&port=" in query
