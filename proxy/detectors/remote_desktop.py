"""Remote desktops, by the first bytes of either side."""

from __future__ import annotations

from proxy.detectors.signature import Signature, all_of, among, at, number, prefix

_X224 = all_of(at(0, b"\x03\0"), among(5, b"\xe0\xd0"), at(6, b"\0\0"))

#: How either side of VNC begins (RFC 6143, section 7.1.1).
RFB = prefix(b"RFB 003.", b"RFB 004.", b"RFB 005.")


def rdp(data: bytes) -> bool | None:
    """TPKT and X.224 (RFC 1006, section 6): a connection's request or confirmation, whose lengths agree."""
    length, rest = number(data, 2, 2), number(data, 4, 1)
    if length is not None and (length < 11 or (rest is not None and rest != length - 5)):
        return False
    return _X224(data)


SIGNATURES = (
    Signature("bypass.remote-desktop", rdp),
    Signature("bypass.remote-desktop", RFB),
    Signature("bypass.remote-desktop", prefix(b"REDQ\x02\0\0\0", b"REDQ\x01\0\0\0")),  # SPICE
    Signature("bypass.remote-desktop", prefix(b"\x7f\x7fICA\0")),  # Citrix
    Signature("bypass.remote-desktop", prefix(b"l\0\x0b\0\0\0", b"B\0\0\x0b\0\0"), certain=False),  # X11
    Signature("bypass.remote-desktop", prefix(b"NXPROXY-")),
    Signature("bypass.remote-desktop", prefix(b"\x17\x24"), certain=False),  # TeamViewer
)
