from __future__ import annotations

import hashlib
import os
from contextlib import closing
from datetime import UTC, datetime

import pytest

from categories.act import Act
from categories.errors import ListRefused
from categories.generations import current
from config.load import loads
from config.problems import SettingsRefused
from config.revisions import RevisionNotWritten, RevisionRefused, Revisions, RevisionTampered
from proxy import state_dir as state
from proxy.policy_files import NothingApplied
from proxy.start import prepare
from proxy.status import WorkerStatus, write_statuses
from tests.categories.server import body, serving
from tests.proxy.untold import UNTOLD

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEMO = """
district: {name: Demo District}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "district.yaml"
    file.write_text(DEMO)
    return file


GENERATION = "000003-0123456789abcdef"


def status(worker, revision, pid=None, problem=None, lists=GENERATION):
    return WorkerStatus(worker, pid or os.getpid(), revision, lists, 0, problem)


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "_SWITCH_SECONDS", 0.3)
    (tmp_path / "run").mkdir()
    in_force(tmp_path)

    def say(*statuses, line=lambda folder: state.revision_in_force_line(folder, 2)):
        write_statuses(tmp_path / "run" / "status.json", list(statuses))
        return line(tmp_path)

    return say


def in_force(folder):
    (folder / "lists").mkdir()
    (folder / "lists" / "current").write_text(GENERATION)


def test_where_nothing_runs_an_apply_says_so(tmp_path):
    in_force(tmp_path)
    assert "takes effect at the next start" in state.revision_in_force_line(tmp_path, 2)
    assert "takes effect at the next start" in state.generation_in_force_line(tmp_path, GENERATION)


def test_workers_of_a_filter_that_has_ended_do_not_count(running):
    assert "takes effect at the next start" in running(status(0, 1, pid=2**22 - 1))


def test_an_apply_says_how_many_workers_have_switched(running):
    assert running(status(0, 2), status(1, 2)) == "revision 2 is in force on 2 of 2 workers"
    assert running(status(0, 2), status(1, 1, problem="revision 2: no")) == (
        "revision 2 is in force on 1 of 2 workers; revision 2: no"
    )


def test_an_apply_waits_for_its_lists_too(running):
    """They come into force right after the revision: a worker may have looked in between."""
    assert running(status(0, 2), status(1, 2, lists="000002-old")) == "revision 2 is in force on 1 of 2 workers"


def test_new_lists_wait_for_the_workers_as_an_apply_does(running):
    def said(*statuses):
        return running(*statuses, line=lambda folder: state.generation_in_force_line(folder, GENERATION))

    assert said(status(0, 2), status(1, 1)) == f"generation {GENERATION} is in force on 2 of 2 workers"
    assert said(status(0, 2, lists="000002-old"), status(1, 2, problem="no")) == (
        f"generation {GENERATION} is in force on 1 of 2 workers; no"
    )


def test_a_state_dir_that_cannot_be_made_is_one_line(tmp_path, config):
    (tmp_path / "file").write_text("")
    config.write_text(DEMO.replace("state_dir: state", "state_dir: file/state"))
    with pytest.raises(state.StateUnusable, match=r"state_dir: cannot use .*file/state: Not a directory; check"):
        state.state_folder(config)


def test_before_the_first_apply_commands_read_the_file(config):
    _, settings = state.settings_for_commands(config)
    assert settings.district.name == "Demo District"
    with pytest.raises(NothingApplied):
        state.open_snapshot(state.state_folder(config))


def test_after_it_they_read_what_is_in_force(config):
    prepare(config, lambda _: None, NOW, UNTOLD)
    config.write_text(DEMO.replace("Demo District", "Edited"))
    folder, settings = state.settings_for_commands(config)
    assert settings.district.name == "Demo District"
    assert state.lists_fit(folder, settings)
    assert state.open_snapshot(folder).revision == 1


def test_subscribed_lists_are_handed_over_with_owner_and_checksum(tmp_path):
    text = DEMO + (
        "lists:\n"
        "  - {name: ut1, format: ut1, url: 'https://lists.test/b.tar.gz', map: {adult: pornography},\n"
        f"     white: {{good: {{owner: its, reason: lesson, since: 2026-11-01}}}}, checksum: '{'a' * 64}'}}\n"
        "  - {name: mine, format: domains, path: mine.txt, category: gambling}\n"
    )
    first, second = state.list_sources(loads(text, "d.yaml", tmp_path))
    assert (first.name, first.url, dict(first.map)) == ("ut1", "https://lists.test/b.tar.gz", {"adult": "pornography"})
    assert (dict(first.white), first.checksum) == ({"good": "its"}, f"sha256:{'a' * 64}")
    assert (second.path, second.category) == (tmp_path / "mine.txt", "gambling")


def test_behind_sudo_the_author_is_the_person(monkeypatch):
    monkeypatch.setenv("SUDO_USER", "maria")
    assert state.author() == "maria"


LISTS = DEMO + "lists: [{name: mine, format: domains, path: mine.txt, category: gambling}]\n"


class Apply:
    """A district with two revisions: the demo, then one with a list."""

    def __init__(self, config):
        self.config, self.folder = config, config.parent / "state"
        self.revisions = Revisions(self.folder)
        self.said = []
        prepare(config, lambda _: None, NOW, UNTOLD)
        (config.parent / "mine.txt").write_text("casino.test\n")
        self.write(LISTS)
        self.apply()

    def write(self, text):
        self.config.write_text(text)

    def apply(self, reason="why"):
        return self.revisions.apply(self.config, "ann", reason, NOW, self.around())

    def rollback(self, revision):
        return self.revisions.rollback(revision, "ann", "back", NOW, self.around())

    def around(self):
        return state.with_lists(self.folder, Act(), self.said.append)

    def everything(self):
        files = sorted(path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith("lock"))
        return [(str(path), path.read_bytes()) for path in files]

    def lists(self):
        with closing(state.open_index(self.folder)) as index:
            return [each.name for each in index.lists]


@pytest.fixture
def applied(config):
    return Apply(config)


def test_an_apply_puts_its_lists_into_force_and_says_so(applied):
    assert applied.lists() == ["starter", "mine"]
    assert "2 lists" in applied.said[0]


def test_a_rollback_makes_the_lists_that_the_old_settings_need(applied):
    applied.rollback(1)
    assert applied.lists() == ["starter"]
    applied.rollback(2)
    assert applied.lists() == ["starter", "mine"]


def test_an_apply_without_other_lists_compiles_nothing(applied):
    before = current(applied.folder / "lists")
    applied.write(LISTS + "categories: {games: block}\n")
    applied.apply()
    assert current(applied.folder / "lists") == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DEMO, " "),
        (DEMO, "x" * 501),
        (DEMO.replace("state_dir: state", "state_dir: elsewhere"), "why"),
        (LISTS.replace("mine.txt", "missing.txt"), "why"),
        (LISTS.replace("gambling}", f"gambling, checksum: '{'0' * 64}'}}"), "why"),
        (DEMO + "nonsense: 1\n", "why"),
    ],
    ids=["blank reason", "long reason", "another state_dir", "missing list", "wrong checksum", "broken file"],
)
def test_an_apply_that_is_refused_changes_nothing(applied, text, reason):
    before = applied.everything()
    applied.write(text)
    with pytest.raises((RevisionRefused, SettingsRefused, ListRefused)):
        applied.apply(reason)
    assert applied.everything() == before


def test_a_rollback_whose_lists_are_refused_changes_nothing(applied):
    applied.rollback(1)
    (applied.config.parent / "mine.txt").unlink()
    before = applied.everything()
    with pytest.raises(ListRefused):
        applied.rollback(2)
    assert applied.everything() == before


def test_a_revision_that_cannot_be_written_takes_its_lists_with_it(applied, monkeypatch):
    before = applied.everything()

    def full(*_):
        raise RevisionNotWritten("No space left on device; nothing was changed")

    monkeypatch.setattr("config.revision_files.RevisionFiles.write", full)
    applied.write(DEMO)
    with pytest.raises(RevisionNotWritten):
        applied.apply()
    assert applied.everything() == before


def test_after_a_crash_between_settings_and_lists_the_same_apply_or_a_start_mends_it(applied, monkeypatch):
    for mend in (lambda: applied.apply("again"), lambda: prepare(applied.config, applied.said.append, NOW, UNTOLD)):
        applied.write(DEMO)
        applied.apply()
        applied.write(LISTS)
        with monkeypatch.context() as patched:
            patched.setattr("categories.switch.publish", _killed)
            with pytest.raises(KeyboardInterrupt):
                applied.apply()
        assert applied.lists() == ["starter"]  # the revision is in force, its lists are not
        mend()
        assert applied.lists() == ["starter", "mine"]


def _killed(*_):
    raise KeyboardInterrupt


def test_applying_is_the_way_out_of_a_revision_that_cannot_be_used(applied):
    (applied.folder / "config/revisions/000002.yaml").write_text("changed by hand")
    with pytest.raises(RevisionTampered):
        applied.revisions.current()
    assert state.settings_before(applied.folder) is None
    assert applied.apply().revision == 3
    assert state.settings_before(applied.folder) is not None


def test_a_download_with_another_checksum_is_fetched_again(config):
    applied = Apply(config)
    text = b"casino.test\n"
    wrong, right = hashlib.sha256(b"old").hexdigest(), hashlib.sha256(text).hexdigest()
    downloaded = applied.folder / "lists" / "downloads" / "mine"
    downloaded.write_bytes(b"old")
    with serving({"/mine": body(text)}) as url:
        source = f"lists: [{{name: mine, format: domains, url: '{url}/mine', category: gambling, checksum: '%s'}}]\n"
        applied.write(DEMO + source % right)
        applied.apply()
        assert downloaded.read_bytes() == text
        applied.write(DEMO + source % wrong)
        with pytest.raises(ListRefused, match="checksum"):
            applied.apply()
    assert downloaded.read_bytes() == text
