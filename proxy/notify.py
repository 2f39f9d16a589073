"""What systemd is told of the supervisor (sd_notify(3)): that it is ready, that it ends, and who follows it."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


def notify(*lines: str) -> None:
    """Send lines such as READY=1 to whoever started us and wants to hear them; nobody else is told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto("\n".join(lines).encode(), name)
    except OSError as error:  # filtering goes on without it
        log.error("cannot tell systemd: %s", error.strerror)
