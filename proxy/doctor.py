"""`breakwater doctor`: looks at everything that keeps the filter filtering, and says what to do about it.

A check is a function from a Subject to findings, named in CHECKS. It changes nothing and asks nobody outside.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from categories.errors import IndexRefused
from config.problems import SettingsRefused, one_line
from config.revisions import RevisionTampered
from proxy.authority import AuthorityRefused
from proxy.doctor_list_updates import check_list_updates
from proxy.doctor_lists import check_floor, check_lists
from proxy.doctor_log import check_usage_log
from proxy.doctor_probes import check_allowed_probe, check_blocked_probe, check_listeners
from proxy.doctor_state import (
    check_accounts,
    check_clock,
    check_disk,
    check_modes,
    check_refused_certificates,
    check_settings,
    check_spool,
    check_workers,
)
from proxy.doctor_subject import Subject, subject_of
from proxy.doctor_trust import check_authority, check_extra_trust, check_listener_certificates, check_trust_store
from proxy.finding import Finding, Level
from proxy.identity.accounts import AccountsRefused
from proxy.upstream_trust import TrustRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    type Check = Callable[[Subject], tuple[Finding, ...]]

CHECKS: tuple[Check, ...] = (
    check_settings,
    check_floor,
    check_lists,
    check_list_updates,
    check_authority,
    check_trust_store,
    check_listener_certificates,
    check_extra_trust,
    check_modes,
    check_accounts,
    check_clock,
    check_disk,
    check_spool,
    check_usage_log,
    check_workers,
    check_listeners,
    check_blocked_probe,
    check_allowed_probe,
    check_refused_certificates,
)

#: What the rooms raise for something that is wrong with them: here that is a finding. KeyError, RecursionError,
#: TypeError and ValueError are broken JSON.
_REFUSALS = (
    AccountsRefused,
    AuthorityRefused,
    IndexRefused,
    KeyError,
    OSError,
    RecursionError,
    RevisionTampered,
    SettingsRefused,
    TrustRefused,
    TypeError,
    ValueError,
)

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.RED: "bold red"}


def examine(config: Path, now: datetime, authorization: str | None = None) -> tuple[Finding, ...]:
    """Every finding about the filter of this settings file. `authorization`: a Proxy-Authorization for the probes."""
    try:
        subject = subject_of(config, now, authorization)
    except _REFUSALS as error:
        return (_refused("settings", error),)
    return tuple(finding for check in CHECKS for finding in _outcome(check, subject))


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is red, else 0."""
    return int(any(finding.level is Level.RED for finding in findings))


def to_json(findings: Sequence[Finding]) -> str:
    """One object: `ok`, and `findings` with name, level, what and todo."""
    return json.dumps({"ok": exit_code(findings) == 0, "findings": [asdict(finding) for finding in findings]})


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """A table for people, what is wrong and what to do in one cell."""
    table = Table("", "what", "finding", show_lines=False)
    for finding in findings:
        # Text, not markup: a host name or a path may hold square brackets.
        told = Text(one_line(finding.what))
        if finding.todo:
            told.append(f"\n→ {one_line(finding.todo)}", style="italic")
        level = Text(finding.level.value, style=_COLOURS[finding.level])
        table.add_row(level, Text(one_line(finding.name)), told)
    console.print(table)


def _outcome(check: Check, subject: Subject) -> tuple[Finding, ...]:
    try:
        return check(subject)
    except _REFUSALS as error:
        return (_refused(check.__name__.removeprefix("check_").replace("_", " "), error),)


def _refused(name: str, error: Exception) -> Finding:
    """What a room refused; its message says what to do, after the last semicolon."""
    what, _, todo = _told(error).rpartition("; ")
    return Finding(name, Level.RED, what or todo, todo if what else "put that right, and look again")


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
