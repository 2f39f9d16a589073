"""What every place that must fail closed needs: the time that our own work may take, and how a connection is cut."""

from __future__ import annotations

import asyncio
import socket
import struct

#: Our own work on a request (identify, judge, record) that has not ended after this long has failed, in seconds; the
#: look-up of a name has its own time besides (reference/engine.md, item 13).
HOOK_SECONDS = 5.0


def is_ours() -> bool:
    """Tell a cancellation of the running task from a CancelledError that something raised by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def reset(transport: asyncio.WriteTransport) -> None:
    """Cut a connection with a reset, and drop what was not sent yet.

    An answer without a length ends where its connection ends, and must not look whole: behind a reset a client sees an
    error instead (RFC 9112, section 8).
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
