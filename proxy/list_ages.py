"""The age at which each subscribed list is stale, as the settings say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.load import state_dir_of
from config.revisions import Revisions, settings_in_force

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings


def stale_limits(settings: Settings) -> dict[str, timedelta]:
    """The limit of each list that has one, by its name."""
    days = {source.name: source.stale_days for source in settings.lists}
    return {name: timedelta(days=limit) for name, limit in days.items() if limit is not None}


def stale_limits_in_force(config: Path) -> dict[str, timedelta]:
    """The limits of the settings in force; before the first apply, those of the file.

    Raises what config.load and config.revisions raise.
    """
    return stale_limits(settings_in_force(config, Revisions(state_dir_of(config)).current()))
