"""Standard output that says in its own words when it cannot be written: every command writes to it.

An OSError of a full disk or of a reader that has gone would look like one of the filter's own files. What is still in
a buffer after that is dropped, so that the interpreter does not try again when it ends.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Buffer


class OutputLost(Exception):
    """Standard output cannot be written. The message is one line."""

    exit_code = 4


class ReaderGone(Exception):
    """Who read standard output has had enough: nothing is to be said."""

    exit_code = 141  # 128 + SIGPIPE, as a shell gives it for any program that this ends


class StandardOutput(io.RawIOBase):
    """Descriptor 1; None where it was closed before the command began."""

    def __init__(self, descriptor: int | None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lost = False

    def writable(self) -> bool:
        """Always: what comes of it is told by `write`."""
        return True

    def fileno(self) -> int:
        """Give the descriptor."""
        if self._descriptor is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._descriptor

    def isatty(self) -> bool:
        """Say whether a person looks on."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, data: Buffer) -> int:
        """Write what the system takes. Raises OutputLost or ReaderGone, once."""
        if self._lost:
            return memoryview(data).nbytes
        try:
            return os.write(self.fileno(), data)
        except BrokenPipeError as error:
            self._lost = True
            raise ReaderGone from error
        except OSError as error:
            self._lost = True
            why = f"standard output: {error.strerror}; give it room or another place, and run the command again"
            raise OutputLost(why) from error


def use_standard_output() -> None:
    """Put StandardOutput in the place of sys.stdout, unless somebody has put something else there."""
    before = cast("io.TextIOWrapper | None", sys.stdout)
    if before is not sys.__stdout__:
        return
    raw = StandardOutput(before.fileno() if before is not None else None)
    encoding, errors = (before.encoding, before.errors) if before is not None else ("utf-8", "strict")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=raw.isatty())
