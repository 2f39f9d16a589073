"""`doctor` on the updates of the lists: what came of the last one, and whether one waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from categories.attempts import last_attempt
from categories.errors import ListRefused
from categories.held import held
from proxy.finding import Finding, Level
from proxy.list_schedule import NEVER

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.doctor_subject import Subject

_NAME = "list updates"

#: Updates come every night: where none came for this long, nothing asks for them.
LATE = timedelta(days=2)


def check_list_updates(subject: Subject) -> tuple[Finding, ...]:
    """What a person has to do about the updates; how old the lists are is said with each list."""
    lists_dir = subject.state_dir / "lists"
    return (_last(subject, lists_dir), *_waiting(lists_dir))


def _last(subject: Subject, lists_dir: Path) -> Finding:
    subscribed = any(source.url for source in subject.settings.lists)
    if subscribed and subject.settings.list_updates.at == NEVER:
        return Finding(_NAME, Level.WARN, "nothing fetches the lists", 'set list_updates.at, such as "03:30"')
    attempt = last_attempt(lists_dir)
    if attempt is None:
        return Finding(_NAME, Level.OK, "none so far")
    what = f"{attempt.at:%Y-%m-%d %H:%M} UTC: {attempt.says}"
    if attempt.failed:
        return Finding(_NAME, Level.WARN, what, "see: breakwater lists update")
    if subscribed and subject.now - attempt.at > LATE:
        late = f"none for {(subject.now - attempt.at).days} days; the last one: {what}"
        return Finding(_NAME, Level.WARN, late, "see the log of breakwater run; run: breakwater lists update")
    return Finding(_NAME, Level.OK, what)


def _waiting(lists_dir: Path) -> tuple[Finding, ...]:
    try:
        waiting = held(lists_dir)
    except ListRefused as damage:
        return (Finding("held update", Level.WARN, str(damage), "run: breakwater lists update"),)
    if waiting is None:
        return ()
    reasons = "; ".join(waiting.change.holds)
    what = f"made {waiting.change.made:%Y-%m-%d %H:%M} UTC, waits for a person: {reasons}"
    return (Finding("held update", Level.WARN, what, "see: breakwater lists diff; then: breakwater lists apply"),)
