from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from categories.errors import FloorRefused
from config.problems import SettingsRefused
from config.revisions import Revisions
from proxy.authority import AuthorityRefused, open_authority, rotate
from proxy.identity.accounts import AccountsRefused
from proxy.listening import Listen
from proxy.start import prepare
from tests.proxy.untold import UNTOLD

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEMO = """
district: {name: Demo District}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
metrics: {listen: "127.0.0.1:9110"}
proxy: {listen: ["127.0.0.1:8081", {address: "[::1]:8082"}], workers: 3, limits: {drain_seconds: 7}}
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "district.yaml"
    file.write_text(DEMO)
    return file


def start(config):
    said = []
    return prepare(config, said.append, NOW, UNTOLD), said


def test_the_first_start_applies_the_file_compiles_the_lists_and_makes_the_authority(config, tmp_path):
    plan, said = start(config)
    assert plan.listen == (Listen("127.0.0.1", 8081), Listen("::1", 8082))
    assert (plan.workers, plan.metrics, plan.drain_seconds) == (3, "127.0.0.1:9110", 7)
    assert plan.state_dir == tmp_path / "state"
    assert (plan.state_dir / "ca" / "authority.pem").exists()
    applied = Revisions(plan.state_dir).current()
    assert (applied.revision, applied.author, applied.reason) == (1, "breakwater run", "first start")
    assert any(line.startswith("pornography: ") and "starter" in line for line in said)
    assert plan.state_dir.stat().st_mode & 0o077 == 0


def test_a_later_start_keeps_what_was_applied_and_says_that_the_file_differs(config):
    start(config)
    config.write_text(DEMO.replace("workers: 3", "workers: 5"))
    plan, said = start(config)
    assert plan.workers == 3
    assert any(line.startswith("WARNING: ") and "differs from revision 1" in line for line in said)


def test_one_worker_a_core_where_nothing_else_is_said(config):
    config.write_text(DEMO.replace("workers: 3", "workers: auto"))
    assert start(config)[0].workers == len(os.sched_getaffinity(0))


def test_a_first_start_that_is_refused_has_applied_nothing(config, tmp_path):
    config.write_text(
        DEMO.replace("starter_only: true", "lists: [{name: l, format: domains, path: no.txt, category: pornography}]")
    )
    with pytest.raises(FloorRefused):
        start(config)
    assert Revisions(tmp_path / "state").current() is None


def test_a_broken_file_is_refused(config, tmp_path):
    config.write_text(DEMO + "nonsense: 1\n")
    with pytest.raises(SettingsRefused, match="nonsense"):
        start(config)
    assert not (tmp_path / "state" / "config").exists()


def test_an_authority_that_others_can_read_is_refused(config, tmp_path):
    start(config)
    (tmp_path / "state" / "ca" / "authority.pem").chmod(0o644)
    with pytest.raises(AuthorityRefused, match="chmod"):
        start(config)


def test_accounts_that_cannot_be_read_are_refused(config, tmp_path):
    start(config)
    (tmp_path / "state" / "accounts.json").write_text("{")
    (tmp_path / "state" / "accounts.json").chmod(0o600)
    with pytest.raises(AccountsRefused):
        start(config)


def test_the_next_authority_is_used_from_the_next_start_on(config, tmp_path):
    folder = tmp_path / "state" / "ca"
    start(config)
    before = open_authority(folder, NOW)
    following = rotate(folder, "Demo District", NOW)
    assert open_authority(folder, NOW).fingerprint == before.fingerprint
    _, said = start(config)
    assert open_authority(folder, NOW).fingerprint == following.fingerprint
    assert any("the next one is in use from now on" in line and following.fingerprint in line for line in said)
    assert not any("authority" in line for line in start(config)[1])
    assert before.certificate_pem in (folder / "authority-2026-11-22.pem").read_bytes()


def test_lists_of_an_older_version_are_compiled_again(config, tmp_path):
    start(config)
    current = tmp_path / "state" / "lists" / "current"
    before = current.read_text()
    meta = tmp_path / "state" / "lists" / "generations" / before.strip() / "meta.json"
    meta.chmod(0o600)
    meta.write_text("{}")
    start(config)
    assert current.read_text() != before
