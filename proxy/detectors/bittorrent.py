"""BitTorrent: peers by their handshake, trackers by what is told them. Encrypted peers (MSE) are unknown bytes."""

from __future__ import annotations

from proxy.detectors.signature import Signature, prefix

#: BEP 3, "peer protocol": the length of the name, and the name. Behind CONNECT, inside TLS, in a WebSocket.
SIGNATURES = (Signature("p2p.bittorrent", prefix(b"\x13BitTorrent protocol")),)
