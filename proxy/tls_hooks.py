"""What the filter does when TLS begins or ends inside a tunnel, and how long either side may take over it.

Stock waits for a ClientHello, and for an origin's answer to ours, for as long as anything moves on the connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mitmproxy.connection import Server
from mitmproxy.proxy import events

from proxy.evaluate import evaluate_later
from proxy.facts import Carrier, Opening, Stage
from proxy.flow_facts import protocols, sni_of
from proxy.reasons import FAKE_TLS
from proxy.recording import POLICY, TIMEOUT
from proxy.replaced.tls import HandshakeOverdue
from proxy.respond import held, refuse_raw, technique_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mitmproxy import tls
    from mitmproxy.connection import Client, Connection

    from proxy.flow_facts import Tunnel
    from proxy.master import Handler
    from proxy.tls_config import BreakwaterTlsConfig
    from proxy.worker_state import WorkerState

_NO_HELLO = "Cannot parse ClientHello"  # so begins what mitmproxy 12.2.3 says of one (layers/tls.py)

#: What OpenSSL, and mitmproxy in its place, say of what nobody sends who means to finish a handshake. Who gives one up
#: sends an alert, or closes.
_NO_RECORDS = ("record layer failure", "unexpected message", "unexpected record", "does not speak TLS")


class TlsHooks:
    """One method a hook of TLS, in `table`. A handshake under way has a timer, which finds nothing to do behind it."""

    def __init__(self, state: WorkerState, tls_config: BreakwaterTlsConfig) -> None:
        self._state = state
        self._config = tls_config
        self._timers: dict[Connection, asyncio.TimerHandle] = {}
        self.table: dict[str, Callable[[Handler, Any], Any]] = {
            "tls_clienthello": self.tls_clienthello,
            "tls_start_client": self.tls_start_client,
            "tls_failed_client": self.tls_failed_client,
            "tls_start_server": self.tls_start_server,
            "tls_established_server": self.tls_established_server,
        }

    def await_hello(self, handler: Handler) -> None:
        """Give a client `hello_seconds` from its CONNECT for the whole of its ClientHello, or the start of a head."""
        if handler.tunnel is not None:
            seconds = self._state.limits.hello_seconds
            self._allow(handler, handler.client, seconds, partial(self._no_hello, handler, handler.tunnel, seconds))

    def await_more(self, handler: Handler) -> None:
        """Give a client as long again where what it has said inside TLS may still become HTTP; once."""
        if handler.tunnel is not None and handler.client.tls_established and not handler.tunnel.awaited:
            handler.tunnel.awaited = True
            seconds = self._state.limits.hello_seconds
            self._allow(handler, handler.client, seconds, partial(self._no_hello, handler, handler.tunnel, seconds))

    def forget(self, client: Client) -> None:
        """Stop the clock of a client that has left."""
        self._stop(client)

    def tls_clienthello(self, handler: Handler, data: tls.ClientHelloData) -> None:
        """Keep the name that the client asks for: a request inside must agree with it. The rest has its time too."""
        data.establish_server_tls_first = False
        if handler.tunnel is not None:
            handler.tunnel.sni = sni_of(data.client_hello.sni)
            if not self._greets(handler, handler.tunnel, data.client_hello.alpn_protocols):
                return
            seconds = self._state.limits.head_seconds
            why = f"the TLS handshake did not end within {seconds:g} s"
            self._allow(handler, handler.client, seconds, partial(_no_handshake, handler, handler.tunnel, why))

    def _greets(self, handler: Handler, tunnel: Tunnel, offered: list[bytes]) -> bool:
        """Judge a ClientHello; False where that closes the tunnel, since no page can be shown for it.

        A block that is held is recorded where no request follows that speaks for it.
        """
        told = replace(tunnel.exchange.facts, stage=Stage.CLIENT_HELLO, sni=tunnel.sni, alpn=protocols(offered))
        verdict = evaluate_later(told, self._state.in_force.snapshot)
        if verdict is None or verdict.forwards:
            return True
        if tunnel.exchange.verdict.forwards:
            tunnel.exchange.verdict, tunnel.exchange.status = verdict, verdict.status
        if held(verdict):
            return True
        handler.close(POLICY)
        return False

    def tls_start_client(self, handler: Handler, data: tls.TlsData) -> Any:
        """Begin TLS with the client; where HTTP/2 floods come from, for HTTP/1.1 alone."""
        start: Callable[[tls.TlsData], Any] = self._config.tls_start_client
        started = start(data)
        if data.ssl_conn is not None and handler.client_ip in self._state.floods:
            data.ssl_conn.get_app_data()["http2"] = False
        return started

    def tls_failed_client(self, handler: Handler, data: tls.TlsData) -> None:
        """Count a client that refuses our certificate; ITS may pass that host through, nobody else."""
        in_time = self._stop(handler.client)
        if handler.tunnel is None or handler.exchanges or not in_time:
            return
        if (data.conn.error or "").startswith(_NO_HELLO):
            self._refuse(handler.tunnel, "no ClientHello behind CONNECT")
            return
        if _is_imitation(data.conn.error or ""):
            self._refuse_imitation(handler.tunnel)
            return
        refused, host = self._state.refused_certificates, handler.tunnel.host
        refused.put(host, (refused.get(host) or 0) + 1)
        handler.tunnel.exchange.detail = "the client refused our certificate"

    def tls_start_server(self, handler: Handler, data: tls.TlsData) -> None:
        """Begin TLS with an origin, in what connecting has left of its time."""
        server = data.conn
        if isinstance(server, Server) and server.timestamp_start and server.timestamp_tcp_setup:
            spent = max(0.0, server.timestamp_tcp_setup - server.timestamp_start)
            left = max(0.0, self._state.limits.connect_seconds - spent)
            self._allow(handler, server, left, partial(_give_up, handler, server))
        return self._config.tls_start_server(data)

    def tls_established_server(self, handler: Handler, data: tls.TlsData) -> None:
        """Learn which HTTP version the origin chose."""
        self._stop(data.conn)
        return self._config.tls_established_server(data)

    def _no_hello(self, handler: Handler, tunnel: Tunnel, seconds: float) -> None:
        """Close a tunnel in which neither TLS nor HTTP has begun in its time: the protocol waits for its server."""
        if handler.room.http is not None:
            return
        said = "no whole ClientHello or request line" if tunnel.begun else "nothing said behind CONNECT"
        self._refuse(tunnel, f"{said} within {seconds:g} s")
        handler.close(TIMEOUT)

    def _refuse_imitation(self, tunnel: Tunnel) -> None:
        """Refuse what only began like TLS (ShadowTLS, simple-obfs): the site is not one to pass through for that."""
        exchange = tunnel.exchange
        exchange.detail = "no TLS behind the ClientHello"
        if exchange.verdict.forwards:  # a block that is held says more
            exchange.verdict = technique_verdict(FAKE_TLS, self._state.in_force.snapshot.revision)
            exchange.status = exchange.verdict.status

    def _refuse(self, tunnel: Tunnel, why: str) -> None:
        refuse_raw(tunnel, Opening(Carrier.TUNNEL), self._state.in_force.snapshot, why)

    def _allow(self, handler: Handler, connection: Connection, seconds: float, late: Callable[[], None]) -> None:
        self._stop(connection)
        loop = asyncio.get_running_loop()

        def due() -> None:
            if not handler.timeout_watchdog.can_timeout.is_set():  # a hook is at work, which has its own time
                self._timers[connection] = loop.call_later(seconds, due)
            else:
                del self._timers[connection]
                late()

        self._timers[connection] = loop.call_later(seconds, due)

    def _stop(self, connection: Connection) -> bool:
        """Stop a clock; False where its time was up already."""
        timer = self._timers.pop(connection, None)
        if timer is not None:
            timer.cancel()
        return timer is not None


def _no_handshake(handler: Handler, tunnel: Tunnel, why: str) -> None:
    if not handler.client.tls_established:
        tunnel.exchange.detail = why
        handler.close(TIMEOUT)


def _is_imitation(error: str) -> bool:
    return "alert" not in error and any(said in error for said in _NO_RECORDS)


def _give_up(handler: Handler, server: Server) -> None:
    """Tell the layer of an origin's TLS, in its turn, that the time is up."""
    http = handler.room.http
    if http is not None and (layer := http.connections.get(server)) is not None:
        command = HandshakeOverdue(server)
        http.command_sources[command] = layer
        handler.inject(events.Wakeup(command))
