"""Every client, with the reasons that are right for it. A test tries each by both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.bypass import chains, gateways, onions, resolvers, shells, torrents, tunnels, vpns
from tests.e2e.bypass.ground import address_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.e2e.bypass.gate import Gate
    from tests.e2e.bypass.ground import Ground, Way


@dataclass(frozen=True)
class Client:
    """`works` says whether the client gets what it is for."""

    name: str
    host: str  # as the record has it
    server: Callable[[Ground], AbstractContextManager[Gate]]
    works: Callable[[Ground, Way], bool]
    reasons: frozenset[str]
    answered: bool = False  # refused for what its server answers: that is asked, and its answer goes no further


def _client(name: str, host: str, server: Callable, works: Callable, *reasons: str, answered: bool = False) -> Client:
    return Client(name, host, server, works, frozenset(reasons), answered)


#: An absolute form names another site than the tunnel goes to.
CHAINED = ("bypass.proxy-chain", "address.mismatch")

CLIENTS = (
    _client("ssh through corkscrew", "ssh.test", shells.plain, shells.corkscrew, "bypass.ssh"),
    _client("ssh through proxytunnel", "ssh.test", shells.plain, shells.proxytunnel, "bypass.ssh"),
    _client("ssh through stunnel", "ssh-tls.test", shells.in_tls, shells.stunnel, "bypass.ssh"),
    _client("openvpn", "openvpn.test", vpns.server, vpns.openvpn, "bypass.vpn"),
    _client(
        "openvpn with tls-crypt", "tls-crypt.test", vpns.tls_crypt_server, vpns.openvpn_with_tls_crypt, "bypass.vpn"
    ),
    _client("openconnect", "gateway.test", gateways.gateway, gateways.openconnect, "bypass.vpn"),
    _client("tor", address_of("bridge.test"), onions.bridge, onions.tor, "bypass.tor"),
    _client("shadowsocks", "shadow.test", tunnels.shadow_server, tunnels.shadowsocks, "bypass.raw"),
    _client(
        "shadowsocks with simple-obfs as HTTP to another site",
        "obfs-http.test",
        tunnels.obfs_http_server,
        tunnels.obfs("http", "www.other.test"),
        *("address.mismatch", "bypass.upgrade", "bypass.websocket-tunnel"),
    ),
    _client(
        "shadowsocks with simple-obfs as HTTP to its own site",
        "obfs-http.test",
        tunnels.obfs_http_server,
        tunnels.obfs("http", "obfs-http.test"),
        *("address.mismatch", "bypass.upgrade", "bypass.websocket-tunnel"),
    ),
    _client(
        "shadowsocks with simple-obfs as TLS to another site",
        "obfs-tls.test",
        tunnels.obfs_tls_server,
        tunnels.obfs("tls", "www.other.test"),
        *("address.mismatch", "bypass.fake-tls"),
    ),
    _client("httptunnel", "tunnel.test", tunnels.http_tunnel_server, tunnels.httptunnel, "bypass.http-tunnel"),
    _client(
        "CONNECT in CONNECT", "tinyproxy.test", chains.second_proxy, chains.connect_in_connect, "bypass.proxy-chain"
    ),
    _client("GET in CONNECT", "tinyproxy.test", chains.second_proxy, chains.get_in_connect, *CHAINED),
    _client("curl with DNS over HTTPS", "doh.test", resolvers.resolver, resolvers.curl, "bypass.encrypted-dns"),
    _client("aria2", "tracker.test", torrents.tracker, torrents.aria2, "p2p.bittorrent"),
    _client(
        "aria2 at a site of .torrent files",
        "torrents.test",
        torrents.index,
        torrents.aria2_of_an_index,
        "p2p.bittorrent",
        answered=True,
    ),
    _client("transmission", "tracker.test", torrents.tracker, torrents.transmission, "p2p.bittorrent"),
    _client(
        "libtorrent to a peer", address_of("peer.test"), torrents.peer, torrents.libtorrent("plain"), "p2p.bittorrent"
    ),
    _client(
        "libtorrent to a peer, encrypted",
        address_of("peer.test"),
        torrents.peer,
        torrents.libtorrent("encrypted"),
        *("p2p.bittorrent", "bypass.raw"),
    ),
)
