"""TLS where none may begin: inside TLS, in a WebSocket; and records of TLS without a handshake before them."""

from __future__ import annotations

from proxy.detectors.signature import Signature, all_of, among, at

#: A record of a handshake, and in it a ClientHello of less than 64 KiB (RFC 8446, sections 4 and 5.1).
_HELLO = all_of(at(0, b"\x16\x03"), among(2, b"\0\x01\x02\x03\x04"), at(5, b"\x01\0"))

#: Data, or a change of ciphers: ZeroTier's relay, and imitations that have no patience for a handshake.
_RECORD = all_of(among(0, b"\x14\x17"), at(1, b"\x03"), among(2, b"\x01\x03"), among(3, bytes(range(0x42))))


#: Behind CONNECT a ClientHello is what it should be; nobody asks for its name there.
SIGNATURES = (
    Signature("bypass.tls-in-tls", _HELLO),
    Signature("bypass.fake-tls", _RECORD, certain=False),
)
