"""Bad input through the real command line: one clear line, the right exit code, nothing half-written.

Exit codes: 1 finding, 2 usage (settings included), 3 unreachable, 4 refused.
"""

from __future__ import annotations

import hashlib
import io
import os
import socket
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.e2e.product import Product


@dataclass(frozen=True)
class Row:
    """`prepare` spoils a district folder whose filter was never started; then `command` has to say `words`."""

    sentence: str
    prepare: Callable[[Product], None]
    command: tuple[str, ...]
    code: int
    words: tuple[str, ...]


def broken_yaml(product: Product) -> None:
    product.config.write_text("district: {name: Example\nproxy: [\n")


def nul_in_settings(product: Product) -> None:
    product.config.write_bytes(product.config.read_bytes() + b"# \0\n")


def floor_allowed(product: Product) -> None:
    product.settings["categories"]["pornography"] = "allow"
    product.write()


def floor_list(data: bytes) -> Callable[[Product], None]:
    def write(product: Product) -> None:
        (product.folder / "lists/ut1/adult/domains").write_bytes(data)
        (product.folder / "lists/ut1/adult/urls").unlink()

    return write


def floor_list_missing(product: Product) -> None:
    product.settings["lists"][0]["path"] = "lists/no-such-folder"
    product.write()


def truncated_archive(product: Product) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(product.folder / "lists/ut1/adult", "blacklists/adult")
    (product.folder / "lists/ut1.tar.gz").write_bytes(archive.getvalue()[: len(archive.getvalue()) // 2])
    product.settings["lists"][0]["path"] = "lists/ut1.tar.gz"
    product.write()


def unwritable_state_dir(product: Product) -> None:
    """Below a file: that stops root too."""
    product.settings["state_dir"] = str(product.config / "state")
    product.write()


def state_dir_is_a_file(product: Product) -> None:
    product.settings["state_dir"] = str(product.folder / "lists" / "gambling.txt")
    product.write()


def no_settings(product: Product) -> None:
    product.config.unlink()


def settings_that_are_a_pipe(product: Product) -> None:
    product.config.unlink()
    os.mkfifo(product.config)


GOOD_LINES = b"".join(b"good%d.test\n" % number for number in range(500))

ROWS = [
    Row("broken YAML", broken_yaml, ("check-config",), 1, ("district.yaml:",)),
    Row("broken YAML at the start", broken_yaml, ("run",), 2, ("district.yaml:",)),
    Row("NUL in the settings", nul_in_settings, ("check-config",), 1, ("district.yaml:",)),
    Row("no settings", no_settings, ("check-config",), 2, ("district.yaml:", "--config")),
    Row("no settings at the start", no_settings, ("run",), 2, ("district.yaml:", "--config")),
    Row("settings that are a pipe", settings_that_are_a_pipe, ("check-config",), 2, ("not a regular file",)),
    Row("a state_dir that is a file", state_dir_is_a_file, ("check-config",), 1, ("state_dir", "not a folder")),
    Row("a state_dir below a file", unwritable_state_dir, ("check-config",), 1, ("state_dir", "not a folder")),
    Row("floor category allowed", floor_allowed, ("check-config",), 1, ("pornography", "district.yaml:")),
    Row("floor category applied", floor_allowed, ("config", "apply", "--reason", "x"), 2, ("pornography",)),
    Row("floor category allowed at the start", floor_allowed, ("run",), 2, ("pornography",)),
    Row("empty floor list", floor_list(b""), ("run",), 4, ("floor",)),
    Row("floor list without one good line", floor_list(b"# nothing\n"), ("lists", "update"), 4, ("floor",)),
    Row("missing floor list", floor_list_missing, ("run",), 4, ("no-such-folder",)),
    Row("truncated archive", truncated_archive, ("run",), 4, ("ut1.tar.gz", "truncated")),
    Row("only a public suffix", floor_list(b"co.uk\n"), ("lists", "update"), 4, ("floor",)),
    Row("binary list", floor_list(bytes(range(256)) * 64), ("lists", "update"), 4, ("floor",)),
    Row("unwritable state_dir", unwritable_state_dir, ("run",), 4, ("state",)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_bad_input_is_refused_and_nothing_is_half_written(stopped_product: Product, row: Row) -> None:
    product = stopped_product
    row.prepare(product)
    result = product.command(*row.command)
    assert result.returncode == row.code, result.stdout + result.stderr
    assert_clear(result.stderr, *row.words)
    assert written(product) == []


def test_a_first_start_that_was_refused_can_be_repaired(stopped_product: Product) -> None:
    """The repaired file counts: what was refused must not have been put into force."""
    product = stopped_product
    floor_list_missing(product)
    assert product.command("run").returncode == 4
    product.settings["lists"][0]["path"] = "lists/ut1"
    product.write()
    product.start()
    product.stop()


@pytest.mark.parametrize(
    "line", [b"x" * 5120 + b".test", b"co.uk", b"a\0b.test", b"*"], ids=["5 KiB", "public suffix", "NUL", "everything"]
)
def test_a_bad_line_is_rejected_and_counted(stopped_product: Product, line: bytes) -> None:
    product = stopped_product
    floor_list(GOOD_LINES + line + b"\n")(product)
    result = product.command("lists", "update")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "adult/domains" in result.stdout + result.stderr
    assert "501" in result.stdout + result.stderr  # the line's number
    assert product.command("lists", "lookup", "good7.test").returncode in (0, 1)
    assert "pornography" in product.command("lists", "lookup", "good7.test").stdout


def test_a_list_that_went_bad_keeps_the_old_generation(stopped_product: Product) -> None:
    product = stopped_product
    product.done("lists", "update")
    before = digests(product, "lists")
    truncated_archive(product)
    result = product.command("lists", "update")
    assert result.returncode == 4, result.stdout + result.stderr
    assert_clear(result.stderr, "ut1.tar.gz", "truncated")
    assert digests(product, "lists") == before
    assert "pornography" in product.command("lists", "lookup", "blocked.test").stdout


def test_a_port_in_use(stopped_product: Product) -> None:
    product = stopped_product
    with socket.create_server(("127.0.0.1", product.port)):
        result = product.command("run")
    assert result.returncode == 3, result.stdout + result.stderr
    assert_clear(result.stderr, f"127.0.0.1:{product.port}", "proxy.listen")


def test_an_authority_that_others_can_read(own_product: Product) -> None:
    product = own_product
    product.stop()
    file = product.state / "ca" / "authority.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    before = digests(product, "ca")
    result = product.command("run")
    assert result.returncode == 4, result.stdout + result.stderr
    assert_clear(result.stderr, "authority.pem", "chmod 600")
    assert digests(product, "ca") == before
    file.chmod(0o600)


def test_a_day_file_of_a_newer_schema(stopped_product: Product) -> None:
    product = stopped_product
    file = product.state / "log" / f"{datetime.now(UTC).date().isoformat()}.db"
    file.parent.mkdir(parents=True, mode=0o700)
    product.state.chmod(0o700)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE decision (something)")
        database.execute("PRAGMA user_version = 99")
    before = digests(product, "log")
    result = product.command("run")
    assert result.returncode == 4, result.stdout + result.stderr
    assert_clear(result.stderr, file.name, "99")
    assert digests(product, "log") == before


def test_a_second_filter_on_the_same_state_dir(own_product: Product) -> None:
    result = own_product.command("run")
    assert result.returncode != 0
    assert_clear(result.stderr, "another breakwater runs")


@pytest.mark.parametrize(
    "arguments",
    [("no-such-command",), ("users", "add"), ("config", "apply"), ("explain",), ("audit", "log", "--nonsense")],
)
def test_a_wrong_command_line(stopped_product: Product, arguments: tuple[str, ...]) -> None:
    result: subprocess.CompletedProcess[str] = stopped_product.command(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def assert_clear(text: str, *words: str) -> None:
    """The last line says it all, and there is no traceback."""
    assert "Traceback" not in text, text
    last = [line for line in text.splitlines() if line.strip()][-1]
    assert [word for word in words if word not in last] == [], text


#: What `lists update` says of itself, for status and doctor.
_ATTEMPT = "attempt.json"
_KEPT = (".lock", _ATTEMPT)


def written(product: Product) -> list[str]:
    """What the refused command left in force, or half-written; that it was refused, and why, may be kept."""
    files = (file for file in product.state.rglob("*") if product.state.is_dir() and file.is_file())
    names = (str(file.relative_to(product.state)) for file in files)
    return [name for name in names if name.startswith(("config/", "lists/")) and not name.endswith(("lock", _ATTEMPT))]


def digests(product: Product, folder: str) -> dict[str, str]:
    files = (file for file in (product.state / folder).rglob("*") if file.is_file() and file.name not in _KEPT)
    return {str(file.relative_to(product.state)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
