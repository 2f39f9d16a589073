from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from config.problems import SettingsRefused
from config.revisions import RevisionRefused, Revisions, RevisionTampered
from config.settings import Settings
from tests.config.district import APPROVED, SOUND

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = SOUND + "state_dir: state\n"


@pytest.fixture
def district(tmp_path: Path) -> Path:
    path = tmp_path / "district.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def revisions(district: Path) -> Revisions:
    return Revisions(district.parent / "state")


def edit(district: Path, more: str) -> None:
    district.write_text(FILE + more)


def test_nothing_is_in_force_before_the_first_apply(revisions: Revisions, district: Path) -> None:
    assert revisions.current() is None
    assert revisions.history() == []
    assert revisions.differs(district)
    assert not (district.parent / "state").exists()


def test_apply_records_who_why_when_and_what(revisions: Revisions, district: Path) -> None:
    applied = revisions.apply(district, "ann", " first \n start ", NOW)
    assert revisions.current() == applied
    assert (applied.revision, applied.author, applied.reason, applied.time) == (1, "ann", "first start", NOW)
    assert (applied.text, applied.base, applied.source) == (FILE, district.parent, str(district))
    assert not revisions.differs(district)


def test_an_edit_changes_nothing_until_it_is_applied(revisions: Revisions, district: Path) -> None:
    revisions.apply(district, "ann", "first", NOW)
    edit(district, "categories: {games: block}\n")
    assert revisions.differs(district)
    in_force = revisions.current()
    assert in_force
    assert in_force.settings.categories == {}
    revisions.apply(district, "ann", "games", NOW)
    in_force = revisions.current()
    assert in_force
    assert in_force.settings.categories["games"].action == "block"


def test_applying_what_is_in_force_makes_no_revision(revisions: Revisions, district: Path) -> None:
    first = revisions.apply(district, "ann", "first", NOW)
    assert revisions.apply(district, "bob", "again", NOW + timedelta(hours=1)) == first


@pytest.mark.parametrize("reason", ["", " ", "\n\t", "x" * 501])
def test_a_reason_is_mandatory(revisions: Revisions, district: Path, reason: str) -> None:
    with pytest.raises(RevisionRefused, match="reason"):
        revisions.apply(district, "ann", reason, NOW)
    assert revisions.current() is None


def test_a_file_with_problems_is_not_applied(revisions: Revisions, district: Path) -> None:
    first = revisions.apply(district, "ann", "first", NOW)
    edit(district, "categories: {pornography: allow}\n")
    with pytest.raises(SettingsRefused, match=r"district.yaml:5: categories.pornography"):
        revisions.apply(district, "ann", "oops", NOW)
    district.write_bytes(b"\xff")
    with pytest.raises(SettingsRefused, match="UTF-8"):
        revisions.apply(district, "ann", "oops", NOW)
    assert revisions.current() == first
    assert len(revisions.history()) == 1


def test_another_state_folder_is_refused(revisions: Revisions, district: Path) -> None:
    district.write_text(SOUND + "state_dir: elsewhere\n")
    with pytest.raises(RevisionRefused, match="state_dir"):
        revisions.apply(district, "ann", "first", NOW)


def test_rollback_is_a_new_revision_with_the_old_text(revisions: Revisions, district: Path) -> None:
    first = revisions.apply(district, "ann", "first", NOW)
    edit(district, "starter_only: true\n".replace("starter_only: true", "categories: {games: block}"))
    revisions.apply(district, "ann", "games", NOW)
    back = revisions.rollback(1, "bob", "too much", NOW)
    assert (back.revision, back.text, back.source) == (3, first.text, "revision 1")
    assert revisions.current() == back
    assert [(past.revision, past.in_force) for past in revisions.history()] == [(1, False), (2, False), (3, True)]


@pytest.mark.parametrize("number", [-1, 0, 2, 99])
def test_rollback_to_nothing_is_refused(revisions: Revisions, district: Path, number: int) -> None:
    revisions.apply(district, "ann", "first", NOW)
    with pytest.raises(RevisionRefused, match=f"no revision {number}"):
        revisions.rollback(number, "ann", "back", NOW)


def test_rollback_is_held_against_todays_rules(
    revisions: Revisions, district: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(district, "proxy: {allow_ports: [443, 8443]}\n")
    revisions.apply(district, "ann", "first", NOW)
    edit(district, "")
    second = revisions.apply(district, "ann", "second", NOW)
    monkeypatch.setitem(__import__("config.refusals", fromlist=["x"])._PORTS_NEVER, 8443, "forbidden since")
    with pytest.raises(SettingsRefused, match="forbidden since"):
        revisions.rollback(1, "ann", "back", NOW)
    assert revisions.current() == second


def test_rollback_to_a_changed_revision_is_refused(revisions: Revisions, district: Path) -> None:
    revisions.apply(district, "ann", "first", NOW)
    edit(district, "categories: {games: block}\n")
    revisions.apply(district, "ann", "second", NOW)
    (district.parent / "state/config/revisions/000001.yaml").write_text(FILE + "categories: {malware: allow}\n")
    with pytest.raises(RevisionTampered):
        revisions.rollback(1, "ann", "back", NOW)


def test_a_hand_edited_revision_is_refused_loudly_and_applying_is_the_way_out(
    revisions: Revisions, district: Path
) -> None:
    revisions.apply(district, "ann", "first", NOW)
    (district.parent / "state/config/revisions/000001.yaml").write_text(FILE + "categories: {malware: allow}\n")
    with pytest.raises(RevisionTampered, match="000001"):
        revisions.current()
    with pytest.raises(RevisionTampered):
        revisions.differs(district)
    repaired = revisions.apply(district, "ann", "repair", NOW)
    assert (repaired.revision, revisions.current()) == (2, repaired)
    changed, sound = revisions.history()
    assert (changed.entry, sound.trouble) == (None, None)
    assert "changed by hand" in (changed.trouble or "")


def test_a_removed_current_is_mended_by_applying_without_reusing_a_number(revisions: Revisions, district: Path) -> None:
    for number in range(2):
        edit(district, f"proxy: {{workers: {number + 1}}}\n")
        revisions.apply(district, "ann", "again", NOW)
    (district.parent / "state/config/current").unlink()
    with pytest.raises(RevisionTampered):
        revisions.current()
    assert revisions.apply(district, "ann", "repair", NOW).revision == 3
    assert "does not continue" in (revisions.history()[2].trouble or "")


def test_a_replaced_revision_shows_in_the_history(revisions: Revisions, district: Path, tmp_path: Path) -> None:
    for number in range(2):
        edit(district, f"proxy: {{workers: {number + 1}}}\n")
        revisions.apply(district, "ann", "again", NOW)
    other = tmp_path / "other"
    other.mkdir()
    (other / "district.yaml").write_text(FILE)
    Revisions(other / "state").apply(other / "district.yaml", "eve", "sound in itself", NOW)
    for suffix in ("yaml", "json"):
        forged = (other / f"state/config/revisions/000001.{suffix}").read_bytes()
        (district.parent / f"state/config/revisions/000001.{suffix}").write_bytes(forged)
    assert "does not continue" in (revisions.history()[1].trouble or "")


def test_two_at_once_both_count(revisions: Revisions, district: Path) -> None:
    paths = []
    for number in range(1, 9):
        path = district.parent / f"d{number}.yaml"
        path.write_text(FILE + f"proxy: {{workers: {number}}}\n")
        paths.append(path)
    with ThreadPoolExecutor(4) as pool:
        numbers = list(
            pool.map(lambda path: Revisions(district.parent / "state").apply(path, "ann", "x", NOW).revision, paths)
        )
    assert sorted(numbers) == list(range(1, 9))
    assert [past.trouble for past in revisions.history()] == [None] * 8


def test_a_start_with_a_dead_clock_reads_what_was_applied(revisions: Revisions, district: Path) -> None:
    edit(district, f"proxy: {{passthrough: [{{host: a.example.com, {APPROVED}}}]}}\n")
    with pytest.raises(SettingsRefused, match="future"):
        revisions.apply(district, "ann", "first", datetime(1970, 1, 1, tzinfo=UTC))
    revisions.apply(district, "ann", "first", NOW)
    assert revisions.current()


def test_the_same_text_in_another_folder_differs(revisions: Revisions, district: Path, tmp_path: Path) -> None:
    revisions.apply(district, "ann", "first", NOW)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "district.yaml").write_text(FILE)
    assert revisions.differs(tmp_path / "other" / "district.yaml")
    district.unlink()
    assert revisions.differs(district)


class NotReady(Exception):
    """What a room may raise that has to make something before settings are in force."""


@contextmanager
def refusing(settings: Settings) -> Iterator[None]:
    raise NotReady
    yield


def test_what_has_to_be_ready_before_can_refuse_an_apply_and_a_rollback(revisions: Revisions, district: Path) -> None:
    with pytest.raises(NotReady):
        revisions.apply(district, "ann", "first", NOW, refusing)
    assert revisions.current() is None
    revisions.apply(district, "ann", "first", NOW)
    edit(district, "categories: {games: block}\n")
    second = revisions.apply(district, "ann", "games", NOW)
    with pytest.raises(NotReady):
        revisions.rollback(1, "ann", "back", NOW, refusing)
    assert revisions.current() == second
    assert len(revisions.history()) == 2


@pytest.mark.parametrize("bad", ["reason", "author", "file", "state_dir", "revision"])
def test_nothing_is_made_ready_for_what_is_refused_anyway(revisions: Revisions, district: Path, bad: str) -> None:
    revisions.apply(district, "ann", "first", NOW)
    author, reason = ("" if bad == "author" else "ann"), (" " if bad == "reason" else "why")
    if bad == "file":
        edit(district, "nonsense: 1\n")
    if bad == "state_dir":
        district.write_text(SOUND + "state_dir: elsewhere\n")
    act = partial(revisions.rollback, 7) if bad == "revision" else partial(revisions.apply, district)
    with pytest.raises((RevisionRefused, SettingsRefused)):
        act(author, reason, NOW, refusing)


def test_it_sees_the_settings_before_they_are_in_force_and_ends_after(revisions: Revisions, district: Path) -> None:
    seen: list[object] = []

    @contextmanager
    def watching(settings: Settings) -> Iterator[None]:
        seen.append((settings.district.name, revisions.current()))
        yield
        seen.append(revisions.current())

    applied = revisions.apply(district, "ann", "first", NOW, watching)
    assert seen == [("Example Unified", None), applied]
