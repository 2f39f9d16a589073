"""A usage log that knows nothing and is told nothing: for starts whose lists are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.list_acts import UsageLog
from usage_log.visits import Visits

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def _nobody(folder: Path, since: datetime) -> Visits:
    return Visits((), ())


def _nothing(*_: object) -> None:
    pass


UNTOLD = UsageLog(_nobody, _nothing)
