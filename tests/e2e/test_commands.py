"""Every command beside the running filter: data on stdout, talk on stderr, the right exit code."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

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
