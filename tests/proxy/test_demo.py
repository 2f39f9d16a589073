from __future__ import annotations

import stat
from datetime import UTC, datetime

from config.load import loads
from proxy.demo import demo_lines
from proxy.identity.accounts import load_accounts
from proxy.identity.accounts_file import add

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DEMO = """
district: {name: Demo District}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
proxy: {listen: ["127.0.0.1:8080"]}
"""


def settings(folder, text=DEMO):
    return loads(text, "demo.yaml", folder)


def test_the_demo_has_one_account_whose_password_is_told_again(tmp_path):
    first = demo_lines(tmp_path, settings(tmp_path), NOW)
    again = demo_lines(tmp_path, settings(tmp_path), NOW)
    assert first == again
    assert first[0].startswith("the demo's account: user demo, password ")
    assert len(load_accounts(tmp_path / "accounts.json")) == 1
    assert stat.S_IMODE((tmp_path / "demo-password").stat().st_mode) == 0o600


def test_two_demos_have_two_passwords(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (demo_lines(tmp_path / name, settings(tmp_path), NOW)[0] for name in ("a", "b"))
    assert one != other


def test_a_district_that_has_accounts_gets_none_of_ours(tmp_path):
    add(tmp_path / "accounts.json", "ana", "a-long-password-1", "staff", NOW)
    assert demo_lines(tmp_path, settings(tmp_path), NOW) == []
    assert len(load_accounts(tmp_path / "accounts.json")) == 1


def test_no_account_is_made_where_others_can_reach_the_listener(tmp_path):
    text = DEMO.replace('"127.0.0.1:8080"', '{address: "0.0.0.0:8080", allow_plain_basic: true}')
    assert demo_lines(tmp_path, settings(tmp_path, text), NOW) == []
    assert not (tmp_path / "accounts.json").exists()
