from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from config.load import loads
from proxy import state
from proxy.policy_files import NothingApplied
from proxy.start import prepare
from proxy.status import WorkerStatus, write_statuses

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


def status(worker, revision, pid=None, problem=None):
    return WorkerStatus(worker, pid or os.getpid(), revision, "g", 0, problem)


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "_SWITCH_SECONDS", 0.3)
    (tmp_path / "run").mkdir()

    def say(*statuses):
        write_statuses(tmp_path / "run" / "status.json", list(statuses))
        return state.in_force_line(tmp_path, 2)

    return say


def test_where_nothing_runs_an_apply_says_so(tmp_path):
    assert "takes effect at the next start" in state.in_force_line(tmp_path, 2)


def test_workers_of_a_filter_that_has_ended_do_not_count(running):
    assert "takes effect at the next start" in running(status(0, 1, pid=2**22 - 1))


def test_an_apply_says_how_many_workers_have_switched(running):
    assert running(status(0, 2), status(1, 2)) == "revision 2 is in force on 2 of 2 workers"
    assert running(status(0, 2), status(1, 1, problem="revision 2: no")) == (
        "revision 2 is in force on 1 of 2 workers; revision 2: no"
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
    prepare(config, lambda _: None, NOW)
    config.write_text(DEMO.replace("Demo District", "Edited"))
    folder, settings = state.settings_for_commands(config)
    assert settings.district.name == "Demo District"
    assert state.has_generation(folder)
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
