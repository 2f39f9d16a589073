"""`doctor` on the usage log: whether records are kept, and stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from config.problems import one_line
from proxy.doctor_word import last_word, no_word
from proxy.finding import Finding, Level

if TYPE_CHECKING:
    from proxy.doctor_subject import Subject

_NAME = "usage log"

#: The collector speaks once a second.
_SILENCE = timedelta(seconds=15)

#: An unread record older than this, in seconds: usually it is a tenth of one.
_OLD = 60

_WAIT = "records wait in the spool and nothing is lost; when the spool is full everything is blocked"


def check_usage_log(subject: Subject) -> tuple[Finding, ...]:
    """The workers can keep records, and the collector stores them."""
    status = last_word(subject)
    if status is None:
        return (no_word(subject, _NAME),)
    full = tuple(_full(worker["worker"], worker["spool"]) for worker in status["workers"] if worker.get("spool"))
    return full or (_collector(status.get("collector"), subject.now),)


def _full(worker: int, problem: str) -> Finding:
    what = f"worker {worker} blocks everything, it cannot keep further records: {one_line(problem)}"
    return Finding(_NAME, Level.RED, what, "make room for the spool; traffic resumes by itself")


def _collector(said: dict[str, object] | None, now: datetime) -> Finding:
    if said is None:
        return Finding(_NAME, Level.RED, "the collector has not started", f"{_WAIT}; see what the filter prints")
    heard = datetime.fromtimestamp(float(str(said["heard"])), UTC)
    if now - heard > _SILENCE:
        what = f"the collector has said nothing since {heard:%Y-%m-%d %H:%M:%S} UTC"
        return Finding(_NAME, Level.RED, what, f"{_WAIT}; it is started again after half a minute")
    if said["trouble"]:
        return Finding(_NAME, Level.RED, one_line(str(said["trouble"])), f"put that right; {_WAIT}")
    age = float(str(said["oldest_unread_seconds"]))
    what = f"the oldest record that waits is {age:.1f} s old"
    if age > _OLD:
        return Finding(_NAME, Level.WARN, what, f"the collector is behind; {_WAIT}")
    return Finding(_NAME, Level.OK, what)
