from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from categories.act import Act, Result
from categories.attempts import attempt_noted
from categories.errors import ListUnreachable
from categories.sources import ListSource
from categories.update import update
from proxy.doctor_list_updates import check_list_updates
from proxy.doctor_subject import subject_of
from proxy.finding import Level
from tests.categories.server import body, serving
from tests.proxy.doctor_district import district

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.doctor_subject import Subject


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return subject_of(district(tmp_path), datetime.now(UTC))


def test_a_district_that_never_updated_is_fine(subject: Subject) -> None:
    (finding,) = check_list_updates(subject)
    assert (finding.level, finding.what) == (Level.OK, "none so far")


def test_what_came_of_the_last_one_is_shown(subject: Subject) -> None:
    with attempt_noted(subject.state_dir / "lists") as said:
        said.append("nothing is new")
    (finding,) = check_list_updates(subject)
    assert finding.level is Level.OK
    assert finding.what.endswith("UTC: nothing is new")


def fails(subject: Subject) -> None:
    with attempt_noted(subject.state_dir / "lists"):
        raise ListUnreachable("list ut1: no answer")


def test_one_that_failed_warns_with_its_reason(subject: Subject) -> None:
    with pytest.raises(ListUnreachable):
        fails(subject)
    (finding,) = check_list_updates(subject)
    assert finding.level is Level.WARN
    assert finding.what.endswith("list ut1: no answer")


def test_an_update_that_waits_warns_with_its_reasons(subject: Subject) -> None:
    answers = {"/mine": body(b"casino.test\n")}
    with serving(answers) as url:
        sources = (ListSource("mine", "domains", url=f"{url}/mine", category="gambling"),)
        update(sources, subject.state_dir / "lists", Act())
        answers["/mine"] = body(b"casino.test\ngithub.io\n")
        assert update(sources, subject.state_dir / "lists", Act()).result is Result.HELD
    _, waiting = check_list_updates(subject)
    assert waiting.level is Level.WARN
    assert "would cover all of a shared host: github.io" in waiting.what
    assert "breakwater lists diff" in waiting.todo


def test_lists_that_nothing_fetches_warn(subject: Subject) -> None:
    settings = subject.settings.model_copy(
        update={
            "lists": (subject_list(subject),),
            "list_updates": subject.settings.list_updates.model_copy(update={"at": "never"}),
        }
    )
    (finding,) = check_list_updates(replace(subject, settings=settings))
    assert (finding.level, finding.what) == (Level.WARN, "nothing fetches the lists")


@pytest.mark.parametrize(
    ("days", "subscribed", "level"),
    [(1.9, True, Level.OK), (2.1, True, Level.WARN), (40, True, Level.WARN), (40, False, Level.OK)],
)
def test_one_that_is_days_old_warns_where_lists_are_fetched(
    subject: Subject, days: float, subscribed: bool, level: Level
) -> None:
    with attempt_noted(subject.state_dir / "lists") as said:
        said.append("nothing is new")
    lists = (subject_list(subject),) if subscribed else ()
    settings = subject.settings.model_copy(update={"lists": lists})
    now = datetime.now(UTC) + timedelta(days=days)
    (finding,) = check_list_updates(replace(subject, settings=settings, now=now))
    assert finding.level is level
    assert finding.what.endswith("UTC: nothing is new")
    assert finding.what.startswith("none for ") is (level is Level.WARN)


def subject_list(subject: Subject):  # type: ignore[no-untyped-def]
    from config.list_settings import ListSource as Subscribed

    return Subscribed(name="mine", format="domains", url="https://lists.test/mine", category="gambling")
