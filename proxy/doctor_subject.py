"""What `doctor` looks at: the settings in force, where they came from, and the time. Nothing is changed by looking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import state_dir_of
from config.revisions import Revisions, settings_in_force
from proxy.tenure import in_charge

if TYPE_CHECKING:
    from datetime import datetime

    from config.revisions import Applied
    from config.settings import Settings

#: Where Debian's programs find the authorities that this machine trusts.
TRUST_STORE = Path("/etc/ssl/certs")


@dataclass(frozen=True, slots=True)
class Subject:
    """One filter on this machine. `settings` are those in force; those of the file before the first apply."""

    config: Path
    settings: Settings
    applied: Applied | None
    now: datetime  # UTC
    runs: bool  # a supervisor holds the lock of this state_dir
    authorization: str | None = None  # Proxy-Authorization of the probes
    trust_store: Path = TRUST_STORE

    @property
    def state_dir(self) -> Path:
        """The folder with everything that the filter keeps."""
        return self.settings.state_dir


def subject_of(config: Path, now: datetime, authorization: str | None = None) -> Subject:
    """Read the settings in force. Raises what config.load and config.revisions raise."""
    folder = state_dir_of(config)
    applied = Revisions(folder).current()
    runs = in_charge(folder) is not None
    return Subject(config, settings_in_force(config, applied), applied, now, runs, authorization)
