"""Processes that do a compile's work beside each other, one a core.

They are started as programs of their own: a fork of a process with threads may hang, and `multiprocessing` would have
each read the command's own module first, which takes longer than a small compile. They end with the process that
started them, however that ends. Small work is done in this process, by the same functions.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any, Protocol

from categories.errors import ListRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: More processes than this would take more memory than they save time.
MOST = 4


class Pool(Protocol):
    """Does work, here or elsewhere. Functions and values have to be ones that pickle takes."""

    processes: int

    def submit[**P, R](self, work: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        """Begin with it as soon as a process is idle."""
        ...


@contextmanager
def pool(processes: int) -> Iterator[Pool]:
    """That many processes for as long as the block lasts, or with 0 this very one."""
    if processes == 0:
        yield _Here()
        return
    with ExitStack() as stack:
        started = [stack.enter_context(_Process()) for _ in range(processes)]
        threads = stack.enter_context(ThreadPoolExecutor(processes))
        try:
            yield _Elsewhere(started, threads)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for process in started:
                process.kill()  # so that no thread waits for what it does


def cores() -> int:
    """How many processes can work at once here, at most MOST."""
    return min(MOST, len(os.sched_getaffinity(0)))


class _Here:
    processes = 0

    def submit[**P, R](self, work: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        future: Future[R] = Future()
        future.set_result(work(*arguments, **named))
        return future


class _Elsewhere:
    def __init__(self, started: list[_Process], threads: ThreadPoolExecutor) -> None:
        self.processes = len(started)
        self._threads = threads
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for process in started:
            self._idle.put(process)

    def submit[**P, R](self, work: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        return self._threads.submit(self._done, work, *arguments, **named)

    def _done(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        process = self._idle.get()
        try:
            return process.done(work, *arguments, **named)
        finally:
            self._idle.put(process)


class _Process:
    def __init__(self) -> None:
        ours, theirs = Pipe()
        with theirs:
            end = theirs.fileno()
            command = (sys.executable, "-P", "-m", "categories.pool", str(end))
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(end,))  # noqa: S603 - ours
        self._connection = ours

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.wait()
        self._connection.close()

    def kill(self) -> None:
        self._process.kill()

    def done(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        """What the work gives, or raises. Raises ListRefused when the process ends in the midst of it."""
        try:
            _send(self._connection, (work, arguments, named))
            raised, result = _received(self._connection)
        except (EOFError, OSError) as lost:
            raise ListRefused(f"compiling the lists: a process of it {self._ending()}; compile them again") from lost
        if raised:
            raise result
        return result

    def _ending(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed, perhaps because memory ran out"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


# Connection's own send and recv leave a view of a buffer in the frames of what they raise, which then cannot be freed.
def _send(connection: Connection, value: object) -> None:
    connection.send_bytes(pickle.dumps(value))


def _received(connection: Connection) -> Any:
    return pickle.loads(connection.recv_bytes())  # noqa: S301 - from a process of our own


def _serve(connection: Connection) -> None:
    """Do what is asked for, one thing after the other; end at once when the asking process has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the whole group; the asking process ends this one
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, asked), daemon=True).start()
    while True:
        work, arguments, named = asked.get()
        try:
            answer = False, work(*arguments, **named)
        except (ListRefused, OSError) as problem:
            answer = True, problem
        _send(connection, answer)


def _listen(connection: Connection, asked: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            asked.put(_received(connection))
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
