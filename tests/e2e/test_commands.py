"""Every command beside the running filter: data on stdout, talk on stderr, the right exit code."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

import breakwater
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check-config",), ("Example Unified",)),
        (("config", "history"), ("first start",)),
        (("lists", "status"), ("floor", "ours")),
        (("lists", "lookup", "www.blocked.test"), ("pornography", "floor")),
        (("users", "list"), ("ana", "ben", "gone")),
        (("audit", "summary"), ()),
        (("explain", "https://blocked.test/page"), ("category.pornography", "floor")),
        (("explain", "https://allowed.test/", "--user", "ana", "--at", "2026-11-23 10:00"), ("default",)),
    ],
    ids=lambda value: " ".join(value[:2]) if value and isinstance(value, tuple) else "",
)
def test_a_command_shows_its_data(product: Product, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    text, data = product.done(*arguments), product.done(*arguments, "--json")
    assert [word for word in words if word not in text] == []
    parsed = [json.loads(line) for line in data.splitlines()]
    assert parsed
    assert [word for word in words if word not in data] == []


def test_a_child_abuse_entry_is_never_looked_up(product: Product) -> None:
    hosts = [line.split()[0] for line in _starter("child-abuse") if line and not line.startswith("#")]
    assert hosts
    for host in hosts:
        found = json.loads(product.command("lists", "lookup", host, "--json").stdout)
        assert found["entries"] == []


def _starter(category: str) -> list[str]:
    return (files("categories.starter") / f"{category}.domains").read_text().splitlines()


def test_explain_says_what_the_proxy_does(product: Product) -> None:
    """`mixed.test` is blocked below one path only."""
    said = {
        path: json.loads(product.done("explain", f"https://mixed.test{path}", "--json")) for path in ("/good", "/bad/x")
    }
    assert "category.pornography" not in json.dumps(said["/good"])
    assert "category.pornography" in json.dumps(said["/bad/x"])


@pytest.mark.parametrize(
    "url", ["", "https://", "https://a b/", "https://%00.test/", "x" * 100_000, "file:///etc/passwd"]
)
def test_explain_of_what_is_no_address(product: Product, url: str) -> None:
    result = product.command("explain", url)
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 2000


def test_the_exported_certificate_is_the_one_that_clients_get(product: Product, tmp_path: Path) -> None:
    pem = product.done("ca", "export")
    assert pem == product.authority.read_text()
    assert "PRIVATE" not in pem
    der = ssl.PEM_cert_to_DER_cert(pem)
    file = tmp_path / "ca.der"
    file.write_bytes(der)
    told = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]
    assert told.upper() in product.done("ca", "show").replace(":", "").upper()


def test_doctor_finds_a_filter_that_filters(product: Product, network: Network) -> None:
    """It says that starter lists alone hold the floor, and nothing else of this district is wrong."""
    findings = [json.loads(line) for line in product.command("doctor", "--json").stdout.splitlines()]
    text = json.dumps(findings)
    assert "starter" in text
    assert "Traceback" not in product.command("doctor").stderr


def test_explain_says_how_many_other_visited_hosts_an_entry_covers(product: Product, network: Network) -> None:
    hosts = [f"{name}.casino.test" for name in ("one", "two", "three")]
    with Client(product) as client:
        for host in hosts:
            assert client.get(network.plain_url(host), credentials("ana")).status == 403
            product.recorded(host=host)
    (match,) = json.loads(product.done("explain", "casino.test", "--json"))["matches"]
    assert match["other_hosts"]["count"] >= 3
    assert (match["list"], match["file"], match["line"], match["covers"]) == ("ours", "ours", 2, "domain")
    text = " ".join(product.done("explain", "casino.test").split())
    assert f"covers casino.test with its sub-domains: also {match['other_hosts']['count']} other hosts" in text
    assert "one.casino" not in text
    (alone,) = json.loads(product.done("explain", "https://wrapped-blocked.test/", "--json"))["matches"]
    assert alone["other_hosts"] == {"fewer_than": 3}


def test_the_metrics_name_nobody(product: Product) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{product.metrics_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert "breakwater_decisions_total" in text
    assert [word for word in ("ana", "blocked.test", "127.0.0.7") if word in text] == []


@pytest.mark.parametrize("name", ["ana", "../x", "a:b", "", "a" * 300, "x\ny"])
def test_an_account_that_cannot_be_added(product: Product, name: str) -> None:
    before = (product.state / "accounts.json").read_bytes()
    result = product.command("users", "add", name, "--password-stdin", text="long-enough-for-anybody\n")
    assert result.returncode in (2, 4), result.stdout + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert (product.state / "accounts.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "\n", "short\n", "a" * 100_000 + "\n"])
def test_a_password_that_cannot_be_used(product: Product, text: str) -> None:
    result = product.command("users", "add", "someone", "--password-stdin", text=text)
    assert result.returncode in (2, 4), result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "someone" not in product.done("users", "list")


def test_check_config_says_as_json_what_is_wrong(stopped_product: Product) -> None:
    product = stopped_product
    product.settings["proxi"] = {}
    product.settings["categories"]["pornography"] = "allow"
    product.write()
    result = product.command("check-config", "--json")
    assert (result.returncode, result.stderr) == (1, "")
    problems = json.loads(result.stdout)["problems"]
    assert {problem["key"] for problem in problems} == {"proxi", "categories.pornography"}
    assert all(problem["line"] > 0 and problem["file"] and problem["message"] for problem in problems)


def test_check_config_says_as_json_what_should_be_known(stopped_product: Product) -> None:
    product = stopped_product
    (product.folder / "lists" / "gambling.txt").unlink()
    result = product.command("check-config", "--json")
    assert (result.returncode, result.stderr) == (1, "")
    said = json.loads(result.stdout)
    assert said["problems"] == []
    assert any("starter_only" in warning for warning in said["warnings"])
    assert any("gambling.txt" in missing for missing in said["missing_files"])


def _in_force(product: Product) -> list[bytes]:
    return [(product.state / pointer).read_bytes() for pointer in ("config/current", "lists/current")]


@pytest.mark.parametrize("reason", [" ", "x" * 501], ids=["blank", "long"])
def test_an_apply_without_a_reason_puts_nothing_into_force(stopped_product: Product, reason: str) -> None:
    product = stopped_product
    product.done("config", "apply", "--reason", "first")
    before = _in_force(product)
    product.settings["lists"].pop()
    product.write()
    result = product.command("config", "apply", "--reason", reason)
    assert result.returncode == 4, result.stdout + result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert _in_force(product) == before


def test_a_rollback_brings_its_lists_back_or_is_refused(stopped_product: Product) -> None:
    product = stopped_product
    product.done("config", "apply", "--reason", "two lists")
    product.settings["lists"].pop()
    product.write()
    product.done("config", "apply", "--reason", "one list")
    assert "gambling" not in product.done("lists", "lookup", "casino.test")
    said = json.loads(product.done("config", "rollback", "1", "--reason", "back", "--json"))
    assert (said["revision"], said["source"]) == (3, "revision 1")
    assert "gambling" in product.done("lists", "lookup", "casino.test")

    product.done("config", "rollback", "2", "--reason", "and forth")
    before = _in_force(product)
    (product.folder / "lists" / "gambling.txt").unlink()
    result = product.command("config", "rollback", "1", "--reason", "back")
    assert result.returncode == 4, result.stdout + result.stderr
    assert "ours" in result.stderr
    assert _in_force(product) == before


def test_applying_is_the_way_out_of_a_revision_changed_by_hand(stopped_product: Product) -> None:
    product = stopped_product
    product.done("config", "apply", "--reason", "first")
    (product.state / "config/revisions/000001.yaml").write_text("changed")
    assert product.command("lists", "compile").returncode == 4
    product.done("config", "apply", "--reason", "the way out")
    product.done("lists", "compile")


def test_an_account_is_opened_again_with_a_new_password(stopped_product: Product) -> None:
    product = stopped_product
    product.done("users", "add", "ana", "--password-stdin", text="sand:dollar-7890\n")
    product.done("users", "disable", "ana")
    before = (product.state / "accounts.json").read_bytes()
    product.done("users", "password", "ana", "--password-stdin", text="kelp-forest-4321\n")
    assert (product.state / "accounts.json").read_bytes() != before
    product.done("users", "enable", "ana")
    assert json.loads(product.done("users", "list", "--json"))["disabled"] is False


def test_a_rotated_authority_is_used_at_the_next_start(own_product: Product) -> None:
    product = own_product
    old = product.done("ca", "export")
    rotated = product.command("ca", "rotate")
    following = rotated.stdout
    assert "stays in use" in rotated.stderr
    assert product.done("ca", "export") == old == product.authority.read_text()
    assert product.done("ca", "export", "--next") == following != old
    assert product.command("ca", "rotate").returncode == 4

    product.stop()
    product.start()
    assert product.done("ca", "export") == following == product.authority.read_text()
    assert "the next one is in use from now on" in product.output
    assert product.command("ca", "export", "--next").returncode == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "https://allowed.test/", "--at", "soon"),
        ("audit", "log", "--since", "soon"),
        ("lists", "lookup", "a b"),
        ("explain", "https://\udcff.test/"),
        ("explain", "https://allowed.test/", "--at", "\udcff"),
        ("lists", "lookup", "\udcff.test"),
        ("users", "disable", "\udcff"),
        ("audit", "log", "--host", "\udcff"),
    ],
    ids=lambda value: ascii(" ".join(value)),
)
def test_what_is_typed_wrong_is_one_line_and_never_a_traceback(product: Product, arguments: tuple[str, ...]) -> None:
    """The odd bytes are no UTF-8, as a terminal or a script may send them."""
    result = product.command(*arguments)
    assert "Traceback" not in result.stderr, result.stderr
    assert len(result.stderr.strip().splitlines()) <= 1
    if "soon" in arguments or "a b" in arguments:
        assert (result.returncode, result.stdout) == (2, "")


def test_only_errors_of_ours_read_as_a_refusal() -> None:
    """A bug that raises ValueError must not look like something that the caller wrote."""
    assert [error for error in breakwater.named(*breakwater.REFUSALS) if error.__module__ == "builtins"] == []


def test_a_command_does_not_import_what_only_others_need() -> None:
    look = "import sys, breakwater, proxy.explain, usage_log.commands; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    assert {"httpx", "jinja2", "mitmproxy", "cryptography", "proxy.supervisor", "proxy.doctor"} & set(found) == set()


def test_new_lists_are_in_force_when_the_command_says_so(own_product: Product, network: Network) -> None:
    product, host = own_product, network.fresh("older.test")
    (product.folder / "lists" / "gambling.txt").write_text(f"casino.test\n{host}\n")
    result = product.command("lists", "compile")
    assert (result.returncode, "is in force on 2 of 2 workers" in result.stderr) == (0, True), result.stderr
    for _ in range(10):  # by either worker
        with Client(product) as client:
            assert client.get(network.plain_url(host, "/"), credentials("ana")).status == 403
