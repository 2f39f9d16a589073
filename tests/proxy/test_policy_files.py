from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.revisions import Revisions
from proxy.authority import open_authority
from proxy.pages.ask import Ask
from proxy.policy_files import NothingApplied, PolicyFiles, applied_settings, policy_of
from proxy.start import prepare
from proxy.state_dir import open_index
from tests.proxy.untold import UNTOLD

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEMO = """
district: {name: Demo District, policy_url: "https://district.test/p", help_desk: {email: help@district.test},
           clauses: {filter: "AR 4040, TPM"}}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
proxy: {passthrough: [{host: bank.test, owner: its, reason: pinned, since: 2026-11-22}]}
"""


@pytest.fixture
def files(tmp_path):
    config = tmp_path / "district.yaml"
    config.write_text(DEMO)
    prepare(config, lambda _: None, NOW, UNTOLD)
    folder = tmp_path / "state"
    return PolicyFiles(folder, open_authority(folder / "ca", NOW), (("127.0.0.1", 18080, False),))


def test_everything_in_force_is_built_from_one_folder(files):
    in_force = files.in_force()
    assert in_force.snapshot.revision == 1
    assert in_force.limits.head_seconds == 10
    pac = in_force.public_pages.answer("GET", "/proxy.pac", Ask()).body
    assert b"PROXY 127.0.0.1:18080" in pac
    assert len(files.accounts()) == 0


def test_marks_change_with_each_pointer_and_not_otherwise(files, tmp_path):
    before = files.marks()
    assert files.marks() == before
    (tmp_path / "state" / "accounts.json").write_text("{}")
    changed = files.marks()
    assert changed != before
    config = tmp_path / "district.yaml"
    config.write_text(DEMO.replace("Demo District", "Other"))
    Revisions(tmp_path / "state").apply(config, "its", "a reason", NOW)
    assert files.marks() != changed


def test_before_the_first_apply_there_is_nothing(tmp_path):
    with pytest.raises(NothingApplied):
        applied_settings(tmp_path)


def test_a_clock_that_went_back_does_not_stop_the_start(files, tmp_path):
    applied = applied_settings(tmp_path / "state")
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    assert policy_of(applied, open_index(tmp_path / "state"), long_ago).revision == 1
