"""`breakwater upgrade`: ask the running supervisor to hand over to the version that is installed now, and wait."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from proxy.tenure import in_charge

if TYPE_CHECKING:
    from pathlib import Path

#: The successor may have to compile the lists anew, in seconds.
_WAIT_SECONDS = 600.0

_LOOK_SECONDS = 0.1


class NotRunning(Exception):
    """No filter runs on this state_dir, or it is not ready. The message is one line."""

    exit_code = 3


class UpgradeRefused(Exception):
    """The running filter stays as it is. The message is one line."""

    exit_code = 4


def upgrade(state_dir: Path, seconds: float = _WAIT_SECONDS) -> str:
    """Have the running supervisor replaced and give a line that says so.

    Raises:
        NotRunning: there is none.
        UpgradeRefused: its successor did not start, or has not after `seconds`; the old one goes on.
    """
    before = in_charge(state_dir)
    if before is None:
        raise NotRunning(f"{state_dir}: no breakwater runs here, or it is not ready yet; start it: breakwater run")
    try:
        os.kill(before.pid, signal.SIGUSR2)
    except PermissionError as error:
        raise UpgradeRefused(f"process {before.pid} belongs to somebody else; run this as that user") from error
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = in_charge(state_dir)
        if now is None:
            raise NotRunning(f"{state_dir}: breakwater has ended meanwhile")
        if now.pid != before.pid:
            return f"process {now.pid} filters now; process {before.pid} drains and ends"
        if now.refused != before.refused:
            raise UpgradeRefused("the new version does not start, so the old one goes on; the filter's log says why")
    raise UpgradeRefused(f"the new version was not ready within {seconds:g} s; the filter's log says what it does")
