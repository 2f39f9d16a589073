"""`breakwater ca …`, as it is called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from proxy.authority import AuthorityRefused, open_authority, open_or_create, use_next
from proxy.ca_commands import ca_app

NOW = datetime.now(UTC)
DISTRICT = """district: {name: Example Unified}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "district.yaml"
    file.write_text(DISTRICT)
    open_or_create(tmp_path / "state" / "ca", "Example Unified", NOW)
    return file


def run(config, *arguments):
    return CliRunner().invoke(ca_app, [arguments[0], "--config", str(config), *arguments[1:]])


def test_rotate_gives_out_the_next_one_and_the_one_in_use_stays(config, tmp_path):
    before = run(config, "export").stdout
    rotated = run(config, "rotate")
    assert rotated.stdout != before
    assert "stays in use" in rotated.stderr
    assert "PRIVATE" not in rotated.output
    assert run(config, "export").stdout == before
    assert run(config, "export", "--next").stdout == rotated.stdout
    use_next(tmp_path / "state" / "ca", NOW)
    assert run(config, "export").stdout == rotated.stdout


def test_show_says_what_waits(config, tmp_path):
    alone = run(config, "show").stdout
    assert open_authority(tmp_path / "state" / "ca", NOW).fingerprint in alone
    assert "waits" not in alone
    run(config, "rotate")
    both = run(config, "show").stdout
    assert both.startswith(alone)
    assert both.count("fingerprint") == 2
    assert "waits for the next start" in both


@pytest.mark.parametrize("arguments", [("export", "--next"), ("rotate",)])
def test_what_is_refused_is_left_to_the_front_door(config, arguments):
    if arguments == ("rotate",):
        run(config, "rotate")
    result = run(config, *arguments)
    assert isinstance(result.exception, AuthorityRefused)
    assert result.stdout == ""
