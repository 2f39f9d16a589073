"""What mitmproxy asks for when TLS begins: our leaf towards the client, verified certificates towards the origin.

Replaces mitmproxy's own store (RSA, the authority's key in every handshake, 100 entries) and its answer to any path
that ends in `/mitmproxy-<serial>.crl`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from mitmproxy import certs, connection, exceptions
from mitmproxy.net import tls as net_tls

from proxy.bounded_cache import BoundedCache
from proxy.replaced.addons import TlsConfig
from proxy.upstream_trust import UpstreamTrust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mitmproxy.addonmanager import Loader
    from mitmproxy.options import Options
    from mitmproxy.proxy.context import Context
    from mitmproxy.tls import TlsData

    from proxy.leaf_certificates import LeafCertificates

_H2 = b"h2"
_HTTP1 = b"http/1.1"

#: Origins whose HTTP version is remembered, and for how long, in seconds: one that learns HTTP/2 is noticed.
_ORIGINS = 10_000
_ORIGIN_LIFE = 24 * 3600.0

#: AEAD with forward secrecy; our leaf has an ECDSA key, so these are all that TLS 1.2 can use with it. TLS 1.3 has
#: suites of its own. Towards origins mitmproxy's longer list stays: what a browser can reach must be reachable.
_CLIENT_CIPHERS = ":".join(
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")
)

#: Options of mitmproxy that would weaken TLS, and the only value each may have.
_REQUIRED_OPTIONS: dict[str, object] = {
    "add_upstream_certs_to_client_chain": False,
    "certs": [],
    "ciphers_client": _CLIENT_CIPHERS,
    "ciphers_server": None,
    "client_certs": None,
    "connection_strategy": "lazy",
    "http2": True,
    "request_client_cert": False,
    "ssl_insecure": False,
    "ssl_verify_upstream_trusted_confdir": None,
    "tls_version_client_max": "UNBOUNDED",
    "tls_version_client_min": "TLS1_2",
    "tls_version_server_max": "UNBOUNDED",
    "tls_version_server_min": "TLS1_2",
    "upstream_cert": False,
}

#: mitmproxy 12.3 can sign with a public authority whose key is known to everybody (reference/mitmproxy.md, 0.2).
_FORBIDDEN_OPTIONS = ("emudhra", "emudhra_old")


class Http1Origins:
    """Origins that were offered HTTP/2 and chose HTTP/1.1. `clock` gives monotonic seconds.

    Before such an origin every HTTP/2 stream of a client costs an upstream connection of its own (engine.md 8).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: BoundedCache[tuple[str, int], float] = BoundedCache(_ORIGINS)

    def learn(self, origin: tuple[str, int], alpn: bytes | None) -> None:
        """Remember what an origin chose when it could have had HTTP/2."""
        if alpn == _H2:
            self._until.drop(origin)
        else:
            self._until.put(origin, self._clock() + _ORIGIN_LIFE)

    def __contains__(self, origin: tuple[str, int]) -> bool:
        until = self._until.get(origin)
        return until is not None and self._clock() < until


class BreakwaterTlsConfig(TlsConfig):
    """The addon in TlsConfig's place. Raises TrustRefused for files of `extra_trust` that cannot be used.

    Hooks to call: tls_start_client, tls_start_server, tls_established_server. Adding it to a master sets every option
    of _REQUIRED_OPTIONS; an attempt to change one raises OptionsError.
    """

    name = "tlsconfig"

    # Stock answers any path ending in the magic name of its revocation list; ours is at public_name.
    request = None  # type: ignore[assignment]

    def __init__(
        self, leaves: LeafCertificates, extra_trust: Sequence[Path] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.leaves = leaves
        self._trust = UpstreamTrust(extra_trust)
        self._http1_origins = Http1Origins(clock)
        self._required = {**_REQUIRED_OPTIONS, "ssl_verify_upstream_trusted_ca": str(self._trust.path)}
        self.certstore = _empty_store(leaves)

    def load(self, loader: Loader) -> None:
        """Declare the options, and set those that TLS depends on."""
        super().load(loader)  # type: ignore[no-untyped-call]
        options = loader.master.options
        options.update(**{name: value for name, value in self._required.items() if name in options})
        self._refuse_weakened(options)
        self._options = options

    def configure(self, updated: Any) -> None:
        """Refuse a change that would weaken TLS. Touches no file: stock makes an RSA authority in confdir here."""
        del updated
        self._refuse_weakened(self._options)

    def running(self) -> None:
        """Do nothing, where stock reads confdir."""

    def get_cert(self, conn_context: Context) -> certs.CertStoreEntry:
        """The leaf for the name that the client asks for, else for the host that it connected to."""
        host = conn_context.client.sni
        if not host and conn_context.server.address:
            host = conn_context.server.address[0]
        leaf = self.leaves.get((host or "").lower().rstrip("."))
        # mitmproxy types the key as RSA; pyOpenSSL takes either.
        return certs.CertStoreEntry(certs.Cert(leaf.certificate), cast("Any", leaf.key), None, [])

    def tls_start_client(self, tls_start: TlsData) -> None:
        """Begin TLS with the client, on HTTP/1.1 where the origin is known to speak nothing else."""
        super().tls_start_client(tls_start)
        context = tls_start.context
        origin = context.server.address
        if tls_start.ssl_conn and origin and origin[:2] in self._http1_origins and _HTTP1 in context.client.alpn_offers:
            tls_start.ssl_conn.get_app_data()["http2"] = False

    def tls_start_server(self, tls_start: TlsData) -> None:
        """Begin TLS with the origin: verified against the host that was judged, never against what a client says.

        A client on HTTP/2 may meet an origin that has only HTTP/1.1, so that is always offered as well. A client on
        HTTP/1.1 gets the same upstream: a WebSocket cannot be carried over to HTTP/2.
        """
        server = tls_start.conn
        if isinstance(server, connection.Server) and server.address:
            server.sni = server.address[0]
            server.alpn_offers = [_H2, _HTTP1] if tls_start.context.client.alpn == _H2 else [_HTTP1]
        super().tls_start_server(tls_start)

    def tls_established_server(self, data: TlsData) -> None:
        """Learn which HTTP version the origin chose."""
        server = data.conn
        if isinstance(server, connection.Server) and server.address and _H2 in server.alpn_offers:
            self._http1_origins.learn(server.address[:2], server.alpn)

    def _refuse_weakened(self, options: Options) -> None:
        for name, value in self._required.items():
            if name in options and getattr(options, name) != value:
                raise _refused(f"mitmproxy option {name} must stay {value!r}")
        if any(name in options and getattr(options, name) for name in _FORBIDDEN_OPTIONS):
            raise _refused("mitmproxy's eMudhra options are forbidden: that key is public")
        if net_tls.log_master_secret is not None:
            raise _refused("SSLKEYLOGFILE writes the keys of every connection to a file; unset it")


def _refused(message: str) -> exceptions.OptionsError:
    return exceptions.OptionsError(message)


def _empty_store(leaves: LeafCertificates) -> certs.CertStore:
    """What stock code expects as `certstore`. It holds the leaf key, so nothing that it signed would be accepted."""
    leaf = leaves.get("localhost")
    authority = certs.Cert(leaves.authority.certificate)
    return certs.CertStore(cast("Any", leaf.key), authority, None, b"", cast("certs.DHParams", b""))
