"""One child process of the supervisor: started, listened to, restarted with back-off, stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 30.0

#: A child that lived this long was well: its next death starts the back-off again, in seconds.
_WELL = 60.0

#: A child that starts has this long for its first word: it reads lists and keys, perhaps on a busy machine, in seconds.
_START_SECONDS = 60.0

#: Exit codes that a restart cannot mend before the first start has succeeded (DESIGN.md, "Commands").
_REFUSALS = frozenset({2, 3, 4})


class ChildRefused(Exception):
    """A child will not start. It has said why on standard error; `code` is its exit code."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"the {name} will not start")
        self.code = code


class Child:
    """A process that is kept running until `stop`.

    `hear` gets each line that it writes to its status pipe; `inherits` are the descriptors that it is given.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        hear: Callable[[bytes], None],
        inherits: tuple[int, ...] = (),
    ) -> None:
        self._name = name
        self._command = command
        self._hear = hear
        self._inherits = inherits
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._last_heard = time.monotonic()
        self._was_well = False
        self._spoke = False

    async def keep_running(self) -> None:
        """Start the child, and start it again when it dies.

        Raises ChildRefused where it refuses to start before it ever ran.
        """
        self._ended.clear()
        try:
            await self._keep_running()
        finally:
            self._ended.set()

    async def _keep_running(self) -> None:
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            started = time.monotonic()
            ended = await self._death()
            if self._stopping.is_set():
                return
            wait = _FIRST_WAIT if time.monotonic() - started > _WELL else min(wait * 2, _LONGEST_WAIT)
            log.warning("the %s %s; starting it again in %g s", self._name, ended, wait)
            await _either(self._stopping.wait(), asyncio.sleep(wait))

    async def _death(self) -> str:
        """Run the process and say how it ended. Raises ChildRefused."""
        try:
            code = await self._run_once()
        except OSError as error:  # EAGAIN, EMFILE, ENOMEM, an interpreter that is being replaced: it passes
            return f"cannot be run ({error.strerror})"
        if code in _REFUSALS and not self._was_well:
            raise ChildRefused(self._name, code)
        return f"ended with {code}"

    async def _run_once(self) -> int:
        reading, writing = os.pipe()
        pipe = os.fdopen(reading, "rb", 0)
        listening = asyncio.create_task(self._listen(pipe))
        try:
            code = await self._run([*self._command, "--status", str(writing)], (*self._inherits, writing))
            await listening
        finally:
            listening.cancel()
            await asyncio.wait([listening])
            pipe.close()  # one that was started and cannot be watched ends when nobody hears it
        return code

    async def _run(self, command: list[str], inherited: tuple[int, ...]) -> int:
        """Start the process and wait for its exit code; what it inherits besides the sockets is closed here."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=inherited,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a terminal's ctrl-C is for the supervisor, which drains
            )
        finally:
            for fd in set(inherited) - set(self._inherits):
                os.close(fd)
        self._last_heard = time.monotonic()
        self._spoke = False
        if self._stopping.is_set():  # told to stop while it was being started
            self.send(signal.SIGTERM)
        return await self._process.wait()

    async def _listen(self, pipe: FileIO) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while line := await reader.readline():
                self._last_heard = time.monotonic()
                self._was_well = self._spoke = True
                self._hear(line)
        except ValueError as error:  # a line over 64 KiB, or one that is no status: not a child to trust
            log.error("the %s says what cannot be read, so it is ended: %s", self._name, error)
            self.send(signal.SIGKILL)
        finally:
            transport.close()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the child is there."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def kill_if_silent(self, seconds: float) -> None:
        """Kill a child that has said nothing for so long: a synchronous hang cannot be timed out inside.

        One that has just been started has a minute for its first word.
        """
        lives = self._process is not None and self._process.returncode is None  # else it waits for its next start
        seconds = seconds if self._spoke else max(seconds, _START_SECONDS)
        if lives and time.monotonic() - self._last_heard > seconds:
            log.error("the %s has been silent for %g s; killing it", self._name, seconds)
            self._last_heard = time.monotonic()
            self.send(signal.SIGKILL)

    def retire(self) -> None:
        """Ask the child to end when nothing is under way in it any more. It is not started again."""
        self._stopping.set()
        self.send(signal.SIGUSR1)

    async def stop(self, seconds: float) -> None:
        """Ask the child to end; kill it when it has not after `seconds`. It is not started again."""
        self._stopping.set()
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            log.error("the %s has not ended after %g s; killing it", self._name, seconds)
            self.send(signal.SIGKILL)


async def _either(*waits: object) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
