from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from proxy.firewall.border import NothingToPrint
from proxy.firewall.commands import firewall_app
from tests.config.district import SOUND

if TYPE_CHECKING:
    from pathlib import Path

PHONES = "destinations: [198.51.100.0/24], protocol: udp, ports: [5060], owner: Telephony, reason: calls"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "district.yaml"
    old = f"{{name: old-phones, {PHONES}, since: 2026-01-01, until: 2026-01-31}}"
    file.write_text(
        f"{SOUND}state_dir: state\nschools: {{lincoln: [10.1.0.0/16]}}\nfirewall: {{exemptions: [{old}]}}\n"
    )
    return file


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(firewall_app, [str(each) for each in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_rules_on_standard_output_and_remarks_on_standard_error(config: Path) -> None:
    code, rules, said = run("print", "--config", config)
    assert code == 0  # also with an exemption that has ended: old rules, in which it stands, would stay in force
    assert rules.startswith("# Nobody gets past the filter")
    assert "old-phones" not in rules
    assert "firewall.exemptions.old-phones: ended on 2026-01-31" in said
    assert (code, rules) == run("print", "--config", config)[:2]


def test_rules_that_govern_nobody_are_refused(config: Path) -> None:
    config.write_text(f"{SOUND}state_dir: state\n")
    with pytest.raises(NothingToPrint, match="govern nobody"):
        run("print", "--config", config)


def test_names_for_the_resolver_in_either_form(config: Path) -> None:
    code, text, _ = run("dns", "--config", config)
    assert (code, 'local-zone: "use-application-dns.net." always_nxdomain' in text) == (0, True)
    code, text, _ = run("dns", "--format", "rpz", "--config", config)
    assert (code, "*.mask.icloud.com IN CNAME ." in text) == (0, True)
    assert run("dns", "--format", "hosts", "--config", config)[0] == 2
