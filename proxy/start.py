"""From a settings file to what a supervisor runs: everything that can be refused is refused before a port is bound."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from categories.reports import floor_lines
from config.revisions import Applied, Revisions
from proxy.authority import open_or_create
from proxy.identity.accounts import load_accounts
from proxy.state import compile_for, has_generation, open_snapshot, say_findings, settings_for_commands
from proxy.supervisor import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from config.settings import Settings

_FIRST_START = "first start"


def prepare(config: Path, say: Callable[[str], None], now: datetime) -> Plan:
    """Apply the file at the first start, compile the lists where none are, make the authority, check everything.

    Raises what the parts raise, each one line.
    """
    folder, settings = settings_for_commands(config)
    open_or_create(folder / "ca", settings.district.name, now)
    load_accounts(folder / "accounts.json")
    if not has_generation(folder):
        say_findings(compile_for(folder, settings), say)
    applied = _applied(config, folder, say, now)  # last: a first start that is refused has applied nothing
    snapshot = open_snapshot(folder)
    say(f"settings revision {applied.revision}, applied by {applied.author}: {applied.reason}")
    for line in floor_lines(snapshot.index.counts):
        say(line)
    return _plan(folder, settings)


def _applied(config: Path, folder: Path, say: Callable[[str], None], now: datetime) -> Applied:
    revisions = Revisions(folder)
    applied = revisions.current()
    if applied is None:
        return revisions.apply(config, "breakwater run", _FIRST_START, now)
    if revisions.differs(config):
        say(f"WARNING: {config} differs from revision {applied.revision}, which stays in force; run: config apply")
    return applied


def _plan(folder: Path, settings: Settings) -> Plan:
    proxy = settings.proxy
    return Plan(
        state_dir=folder,
        listen=tuple((str(listener.ip), listener.port) for listener in proxy.listen),
        workers=len(os.sched_getaffinity(0)) if proxy.workers == "auto" else proxy.workers,
        metrics=settings.metrics.listen,
        drain_seconds=proxy.limits.drain_seconds,
    )
