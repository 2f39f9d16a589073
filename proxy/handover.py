"""An upgrade: a supervisor starts the version that is installed now, and hands it the lock and the listening sockets.

The successor checks everything and starts workers of its own, which accept beside the old ones; only then does it say
so, and the old supervisor drains. A successor that refuses or dies changes nothing (docs/decisions/0008).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.listening import Listener

log = logging.getLogger(__name__)

_VARIABLE = "BREAKWATER_HANDOVER"
_READY = b"!"

#: How often the end of a predecessor is looked for, in seconds.
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a supervisor has from the one before it."""

    predecessor: int  # its process id
    lock: int
    ready: int
    sockets: dict[tuple[str, int], socket.socket] = field(default_factory=dict)  # by the address in the settings

    def say_ready(self) -> None:
        """Tell the predecessor to drain. One that was killed meanwhile needs no word."""
        try:
            os.write(self.ready, _READY)
        except BrokenPipeError:
            return
        finally:
            os.close(self.ready)

    async def predecessor_gone(self) -> None:
        """Wait until the predecessor has drained: it is our parent as long as it lives."""
        while os.getppid() == self.predecessor:  # noqa: ASYNC110  # no event tells of a parent's death
            await asyncio.sleep(_LOOK_SECONDS)


def inherited() -> Inherited | None:
    """Take what a predecessor handed over, once; None where this is a first start."""
    told = json.loads(os.environ.pop(_VARIABLE, "null"))
    if told is None:
        return None
    for fd in (told["lock"], told["ready"]):
        os.set_inheritable(fd, False)
    sockets = {(address, port): socket.socket(fileno=fd) for address, port, fd in told["sockets"]}
    for sock in sockets.values():
        sock.set_inheritable(False)
    return Inherited(told["predecessor"], told["lock"], told["ready"], sockets)


class Successor:
    """The process that is to take over."""

    def __init__(self, lock: int, listeners: list[Listener]) -> None:
        """Start the command that started this process, as it is installed now. Raises OSError."""
        self._ready, writing = os.pipe()
        sockets = [(each.listen.address, each.listen.port, each.socket.fileno()) for each in listeners]
        told = {"predecessor": os.getpid(), "lock": lock, "ready": writing, "sockets": sockets}
        try:
            # Not asyncio's: its transport kills the child when the loop ends, and this one is to live on.
            self._process = subprocess.Popen(  # noqa: S603  # our own command line
                [sys.executable, *sys.orig_argv[1:]],
                env={**os.environ, _VARIABLE: json.dumps(told)},
                pass_fds=(lock, writing, *(fd for *_, fd in sockets)),
                stdin=subprocess.DEVNULL,
            )
        except OSError:
            os.close(self._ready)
            raise
        finally:
            os.close(writing)
        self.pid = self._process.pid

    async def is_ready(self, seconds: float) -> bool:
        """Wait until its workers accept; False where it ends before. One that needs longer is asked to end."""
        reader = asyncio.StreamReader()
        pipe = os.fdopen(self._ready, "rb", 0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read(1) == _READY
        except TimeoutError:
            log.error("the new version was not ready within %g s, so it is ended", seconds)
            self.stop()
            return False
        finally:
            transport.close()

    async def ended(self, seconds: float) -> int:
        """Wait for the end of one that is not ready, and give its exit code. It is killed after `seconds`."""
        deadline = time.monotonic() + seconds
        while (code := self._process.poll()) is None:
            if time.monotonic() > deadline:
                self._process.kill()  # its workers end when they have no supervisor
            await asyncio.sleep(_LOOK_SECONDS)
        return code

    def stop(self) -> None:
        """Ask it to end."""
        self._process.terminate()
