"""What may be spoken in an approved tunnel, by how both sides have to begin.

Approval is for one protocol: an approved SSH host must not become a way out for whatever else its port would take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.detectors import remote_desktop, turn
from proxy.detectors.opening import named
from proxy.detectors.signature import prefix
from proxy.facts import OPENING_CAP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.detectors.signature import Fits

#: The one protocol that is known by more than its first bytes: proxy/client_hello.py reads its name.
TLS = "tls"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the client and the server of a protocol begin."""

    client: Fits
    server: Fits


#: The first packets of OpenVPN are handshakes without a payload: some dozens of bytes.
_OPENVPN_PACKET = 1500


def _openvpn(*opcodes: int) -> Fits:
    """Recognise a packet of OpenVPN over TCP: its length, then its opcode in five bits."""

    def fits(data: bytes) -> bool | None:
        if len(data) < 3:
            return None
        return data[2] >> 3 in opcodes and int.from_bytes(data[:2]) <= _OPENVPN_PACKET

    return fits


_VERSION = b"SSH-"
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _ssh_server(data: bytes) -> bool | None:
    """Recognise a server's version, which lines of text that are no other protocol's may stand before.

    RFC 4253, section 4.2.
    """
    if not data.startswith(_VERSION) and named(data) is not None:
        return False
    data = data[:OPENING_CAP]  # no more lines are waited for
    while data and not _VERSION.startswith(data[: len(_VERSION)]):
        line, end, data = data.partition(b"\n")
        if _CONTROLS.search(line):
            return False
        if not end:
            return None
    return _SSH(data)


_SSH = prefix(b"SSH-2.0-", b"SSH-1.99-")

#: By the name that the settings give it (config/approvals.py).
PROTOCOLS: Mapping[str, Protocol] = {
    "ssh": Protocol(prefix(b"SSH-2.0-"), _ssh_server),  # RFC 4253, section 4.2
    "rdp": Protocol(remote_desktop.rdp, remote_desktop.rdp),
    "vnc": Protocol(remote_desktop.RFB, remote_desktop.RFB),
    "openvpn": Protocol(_openvpn(7, 10), _openvpn(8)),  # hard reset of client (v2, v3) and of server
    "turn": Protocol(turn.message, turn.message),
}
