"""Counting a person's attempts: different blocked pages that they went to within a window. Pure; no clock, no files.

An attempt is a navigation to what policy or ITS blocked, or a way around the filter. What nobody chose is none: a
picture or an advert on a page, a site that cannot be reached (`upstream.*`), a wrong password (`identity.*`), a failure
of ours (`error.*`). Nor is a file that was refused (`download.*`), or a mistyped address. Nothing follows from a number
by itself: an alert says where a person at ITS may look.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from usage_log.frames import column

if TYPE_CHECKING:
    from usage_log.frames import Stamped

#: What is kept at most: people whose last attempt is the oldest are forgotten first. Some 30 MB.
PEOPLE: Final = 10_000
KEPT: Final = 100_000

#: Reasons that are an attempt, as the first part of a code, or whole.
FAMILIES: Final = ("category.", "bypass.", "p2p.", "its-block", "address.mismatch")

_ID, _EVENT, _TIME, _USER = column("id"), column("event"), column("time"), column("user")
_HOST, _PATH, _ACTION, _REASON = column("host"), column("path"), column("action"), column("reason")
_INTENT = column("intent")


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert is raised for `count` different pages within so many minutes; with a count of 0 never."""

    count: int
    minutes: int

    @property
    def window(self) -> int:
        """The window in microseconds."""
        return self.minutes * 60_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One blocked navigation. `page` stands for host and path, and means nothing outside this process."""

    user: str
    time: int  # Unix time in microseconds
    page: int
    record: str  # its id


@dataclass(frozen=True, slots=True)
class Alert:
    """So many attempts within the window, oldest first; `time` is the last one's."""

    user: str
    time: int
    rule: Rule
    records: tuple[str, ...]


def attempt_of(row: Stamped) -> Attempt | None:
    """Return the attempt that a row is; None for all others."""
    if row[_ACTION] != "block" or row[_INTENT] != "navigate" or row[_EVENT] != "decision":
        return None
    if row[_USER] is None or not row[_REASON].startswith(FAMILIES):
        return None
    return Attempt(row[_USER], row[_TIME], page_of(row[_HOST], row[_PATH]), row[_ID])


def page_of(host: str, path: str) -> int:
    """Return what tells a page from others, in place of its address."""
    return hash((host, path))


@dataclass(slots=True)
class _Person:
    attempts: dict[int, Attempt] = field(default_factory=dict)  # by page, the latest: tried again it counts once
    quiet: int = 0  # nothing counts before this time


class Attempts:
    """The attempts of everybody within the window. One alert a person and window; then counting begins anew."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._people: OrderedDict[str, _Person] = OrderedDict()  # who tried last comes last
        self._kept = 0

    def __len__(self) -> int:
        """Return how many attempts are kept."""
        return self._kept

    def add(self, attempt: Attempt) -> Alert | None:
        """Count an attempt; return the alert that it completes. Attempts may come in any order."""
        if not self.rule.count:
            return None
        person = self._person(attempt.user)
        if self._is_news(person, attempt):
            self._kept += attempt.page not in person.attempts
            person.attempts[attempt.page] = attempt
        self._keep_within_bounds()
        if len(person.attempts) < self.rule.count:
            return None
        found = sorted(person.attempts.values(), key=lambda one: one.time)
        alert = Alert(attempt.user, found[-1].time, self.rule, tuple(one.record for one in found))
        self.told(alert.user, alert.time)
        return alert

    def told(self, user: str, time: int) -> None:
        """Take note of an alert: what came before it is spent, and for a window nothing counts."""
        person = self._person(user)
        self._kept -= len(person.attempts)
        person.attempts.clear()
        person.quiet = max(person.quiet, time + self.rule.window)
        self._keep_within_bounds()

    def _person(self, user: str) -> _Person:
        person = self._people.setdefault(user, _Person())
        self._people.move_to_end(user)
        return person

    def _is_news(self, person: _Person, attempt: Attempt) -> bool:
        """Forget what is too old beside the newest; say whether the attempt itself counts, and is its page's latest."""
        newest = max((one.time for one in person.attempts.values()), default=attempt.time)
        first = max(attempt.time, newest) - self.rule.window
        for page in [page for page, one in person.attempts.items() if one.time <= first]:
            del person.attempts[page]
            self._kept -= 1
        known = person.attempts.get(attempt.page)
        return max(person.quiet, first + 1) <= attempt.time and (known is None or known.time <= attempt.time)

    def _keep_within_bounds(self) -> None:
        while len(self._people) > PEOPLE or (self._kept > KEPT and len(self._people) > 1):
            _, gone = self._people.popitem(last=False)
            self._kept -= len(gone.attempts)
