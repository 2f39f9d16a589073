"""The usual ports of the ways round a filter: what no exemption is for, and what the router's counters tell apart.

Each is the first port, the last one, and whose they are. Numbers: IANA's registry and the programs' own defaults.
"""

from __future__ import annotations

type NamedPorts = tuple[int, int, str]

#: Ports on which peer-to-peer programs listen unless told otherwise.
PEER_TO_PEER: tuple[NamedPorts, ...] = (
    (411, 412, "Direct Connect"),
    (1214, 1214, "FastTrack"),
    (2234, 2234, "Soulseek"),
    (4001, 4001, "IPFS"),
    (4661, 4672, "eDonkey, Kad"),
    (6346, 6347, "Gnutella"),
    (6881, 6999, "BitTorrent"),
    (7680, 7680, "Windows Delivery Optimization"),
    (22000, 22000, "Syncthing"),
    (51413, 51413, "Transmission"),
)

VPNS: tuple[NamedPorts, ...] = (
    (500, 500, "IPsec"),
    (1194, 1194, "OpenVPN"),
    (1701, 1701, "L2TP"),
    (1723, 1723, "PPTP"),
    (4500, 4500, "IPsec"),
    (9993, 9993, "ZeroTier"),
    (41641, 41641, "Tailscale"),
    (51820, 51820, "WireGuard"),
)

#: What has a place of its own in the settings, or none.
OTHERS: tuple[NamedPorts, ...] = (
    (22, 22, "SSH: proxy.approved_tunnels is the place"),
    (25, 25, "mail"),
    (53, 53, "DNS: firewall.resolvers is the place"),
    (80, 80, "the web goes through the filter"),
    (443, 443, "the web goes through the filter"),
    (853, 853, "encrypted DNS"),
    (1080, 1080, "SOCKS"),
    (3128, 3128, "proxies"),
    (8080, 8080, "the web goes through the filter"),
    (8443, 8443, "the web goes through the filter"),
    (9001, 9001, "Tor"),
    (9030, 9030, "Tor"),
    (9050, 9051, "Tor"),
    (9150, 9150, "Tor"),
)

NEVER_EXEMPT = (*OTHERS, *VPNS, *PEER_TO_PEER)
