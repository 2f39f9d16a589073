"""The plan of the house, checked: who may import whom, how long a file may be, where a test lives."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGES = ("categories", "config", "proxy", "usage_log")

#: What each package may import of ours, besides itself. `breakwater.py` is the composition root and may import all.
MAY_IMPORT = {
    "categories": (),
    "config": ("categories",),
    "usage_log": ("config", "categories.taxonomy"),
    "proxy": ("config", "categories", "usage_log.record", "usage_log.spool"),
}

#: The only files that face mitmproxy.
MITMPROXY = {
    "proxy/addon.py",  # one method for each of its hooks
    "proxy/answer_hooks.py",  # its hooks of answers
    "proxy/answers.py",  # what its replaced parts ask for
    "proxy/engine.py",  # pins and installs what is replaced of it
    "proxy/flow_exchange.py",  # what its flow keeps for us
    "proxy/flow_facts.py",  # its flows -> facts
    "proxy/master.py",  # runs it
    "proxy/next_layer.py",  # which protocols a connection may speak
    "proxy/replaced/addons.py",  # the two of its addons that are used
    "proxy/replaced/bodies.py",  # its bodies of HTTP/1.1
    "proxy/replaced/driver.py",  # its way from sockets to layers and back
    "proxy/replaced/flow.py",  # its streams between two connections
    "proxy/replaced/head_time.py",  # the command that wakes a layer
    "proxy/replaced/holding.py",  # its answers, held until they are judged
    "proxy/replaced/http1.py",  # its HTTP/1.1 towards clients
    "proxy/replaced/http1_origin.py",  # its HTTP/1.1 towards origins
    "proxy/replaced/http2.py",  # its HTTP/2
    "proxy/replaced/part.py",  # what a replaced part is
    "proxy/replaced/reading.py",  # its reading of heads, and its flows and connections
    "proxy/replaced/stream.py",  # its one request and answer
    "proxy/replaced/tls.py",  # its TLS
    "proxy/replaced/values.py",  # its messages, headers, options, hooks and contexts
    "proxy/replaced/websocket.py",  # its WebSocket
    "proxy/respond.py",  # answers -> its responses
    "proxy/room.py",  # its connections' sockets
    "proxy/tls_hooks.py",  # its hooks of TLS
    "proxy/tls_config.py",  # which certificates it shows and believes
    "proxy/websocket_hooks.py",  # its hooks of WebSockets
    "proxy/worker.py",  # starts it
}

#: The only files that speak SQL, or catch what the database raises.
SQL = {
    "usage_log/collector.py",  # catches
    "usage_log/day_store.py",  # writes
    "usage_log/day_reader.py",  # reads
    "usage_log/tailing.py",  # catches
    "usage_log/visits.py",  # counts in a database without a name
}
SQL_DRIVERS = {"sqlite3", "aiosqlite", "asyncpg", "psycopg", "duckdb"}

#: The only files that may catch everything, with what they do then.
CATCHES_ALL = {
    "proxy/connect.py": "turns every failure of dialling into one that mitmproxy hands on (invariant 2)",
    "proxy/front.py": "turns every failure before mitmproxy into a block (invariant 2)",
    "proxy/dispatcher.py": "turns every failure of a hook into a block (invariant 2)",
    "proxy/respond.py": "shows the page that needs no making where none can be made (invariant 2)",
    "proxy/list_schedule.py": "tells what keeps the lists from being fetched, and asks again in an hour",
    "proxy/policy_watch.py": "keeps the policy in force when a new one cannot be built (invariant 1)",
    "usage_log/attempt_watch.py": "says that attempts are not counted at present, and tries again",
    "proxy/replaced/driver.py": "reports what fails in mitmproxy's layers, as stock does; the connection is closed",
}

#: Source files without a test file of their own, with the reason.
NO_TEST_OF_ITS_OWN = {
    "breakwater.py": "tests/e2e/test_commands.py runs every command",
    "categories/act.py": "values only; tests/categories/test_change_requests.py acts",
    "categories/entries.py": "values only",
    "categories/gathering.py": "tests/categories/test_change_requests.py and test_update.py fetch and keep",
    "categories/making.py": "tests/categories/test_change_requests.py makes and compares",
    "proxy/config_commands.py": "tests/e2e/test_commands.py and test_changes.py apply and roll back",
    "proxy/facts.py": "values only",
    "proxy/replaced/holding.py": "tests/e2e/test_scanned_answers.py holds answers of every kind",
    "proxy/replaced/part.py": "values only",
    "proxy/scanning/answer.py": "values only",
    "proxy/replaced/bodies.py": "tests/e2e/test_bodies.py sends what it is for",
    "proxy/replaced/http1_origin.py": "tests/e2e/test_broken_origins.py answers what it is for",
    "proxy/replaced/head_time.py": "tests/e2e/test_limits.py and tests/e2e/test_answer_heads.py drip heads",
    "proxy/replaced/h2_pins.py": "values only, compared in tests/proxy/test_engine.py",
    "proxy/room.py": "tests/e2e/test_http2.py stops clients and origins at every place",
    "proxy/replaced/http1.py": "tests/e2e/test_heads.py and tests/e2e/test_broken_origins.py send what it is for",
    "proxy/replaced/http2.py": "tests/e2e/test_http2.py sends what it is for",
    "proxy/replaced/tls.py": "tests/e2e/test_handshakes.py stalls in TLS on both sides",
    "proxy/replaced/stream.py": "tests/e2e/test_broken_origins.py breaks off at every point",
    "proxy/replaced/websocket.py": "tests/e2e/test_limits.py sends messages that are too large",
    "proxy/verdict.py": "values only",
    "proxy/worker.py": "puts parts together that have their tests; every test in tests/e2e runs it",
}

FILE_LINES = 300
FUNCTION_LINES = 40
NOT_OURS = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__", "demo", "tmp"}
MACHINE_PATH = re.compile(r"(?:^|[^\w.])/(?:work|root|farm|home/\w+)/")
INDEX_ADDRESS = re.compile(
    r"index[-_]url[ =\"']+\w+://|pypi\.(?:org|python\.org)/|pythonhosted\.org|find[-_]links[ =]+\S*/"
)


def sources() -> list[str]:
    """Every source file outside tests, relative to the root."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return sorted(str(file.relative_to(ROOT)) for file in (*files, ROOT / "breakwater.py"))


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the repository with its text."""
    for file in sorted(ROOT.rglob("*")):
        parts = file.relative_to(ROOT).parts
        if not file.is_file() or NOT_OURS.intersection(parts) or any(part.endswith(".egg-info") for part in parts):
            continue
        data = file.read_bytes()
        if b"\0" not in data:
            yield "/".join(parts), data.decode()


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), path)


@cache
def imports(path: str) -> tuple[str, ...]:
    """Every module that `path` imports, wherever in the file; `from a import b` is a.b where b is a module."""
    return tuple(_imports(path))


def _imports(path: str) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module
            yield from (_module(node.module, alias.name) for alias in node.names)


def _module(module: str, name: str) -> str:
    folder = ROOT.joinpath(*module.split("."))
    return f"{module}.{name}" if (folder / f"{name}.py").exists() or (folder / name).is_dir() else module


def within(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("path", [path for path in sources() if "/" in path])
def test_imports_of_ours_keep_to_the_table(path: str) -> None:
    package = path.split("/")[0]
    ours = {module for module in imports(path) if module.split(".")[0] in (*PACKAGES, "breakwater", "tests")}
    assert {module for module in ours if not within(module, (package, *MAY_IMPORT[package]))} == set()


@pytest.mark.parametrize(
    ("library", "files"),
    [
        ("mitmproxy", MITMPROXY),
        ("hyperscan", {"categories/expression_engine.py"}),
        *[(driver, SQL) for driver in sorted(SQL_DRIVERS)],
    ],
)
def test_a_library_is_imported_only_where_it_is_faced(library: str, files: set[str]) -> None:
    users = {path for path in sources() if any(within(module, (library,)) for module in imports(path))}
    assert users - files == set()


def test_the_tables_above_name_files_that_exist() -> None:
    named = {*MITMPROXY, *SQL, *CATCHES_ALL, *NO_TEST_OF_ITS_OWN}
    assert named - set(sources()) == set()


def test_a_file_has_at_most_300_lines() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in sources()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_a_function_has_at_most_40_lines() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_no_file_takes_a_name_of_the_standard_library() -> None:
    assert [path for path in sources() if Path(path).stem in sys.stdlib_module_names] == []


def test_only_named_files_catch_everything() -> None:
    broad = {
        path for path in sources() for name in caught(path) if name in ("everything", "Exception", "BaseException")
    }
    assert broad - set(CATCHES_ALL) == set()


def caught(path: str) -> Iterator[str]:
    """Every name in an `except` of `path` that does not end in raising the same again."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler) and not _raises_again(node):
            names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            yield from (ast.unparse(name) if name else "everything" for name in names)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_files_that_are_run_first_are_there() -> None:
    assert [file for file in LONGEST if not (ROOT / file).exists()] == []


def test_every_source_file_has_its_test_file_or_a_reason() -> None:
    files = {path for path in sources() if not path.endswith("__init__.py")}
    tested = {path for path in files if (ROOT / "tests" / Path(path).parent / f"test_{Path(path).name}").exists()}
    assert files - tested - set(NO_TEST_OF_ITS_OWN) == set()
    assert tested & set(NO_TEST_OF_ITS_OWN) == set(), "these have a test now"


def test_every_package_is_listed_for_installation() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {str(Path(path).parent).replace("/", ".") for path in sources() if path.endswith("__init__.py")}
    assert set(listed) == there


@pytest.mark.parametrize(
    ("what", "pattern"), [("a path of a machine", MACHINE_PATH), ("a package index", INDEX_ADDRESS)]
)
def test_no_file_names(what: str, pattern: re.Pattern[str]) -> None:
    found = [(path, line) for path, text in texts() for line in text.splitlines() if pattern.search(line)]
    assert found == [], what


@pytest.mark.parametrize(
    "line",
    ["see /" + "root/notes", "--index-" + "url https://packages.test/simple", "https://pypi." + "org/simple"],
)
def test_the_patterns_recognise_what_they_look_for(line: str) -> None:
    assert MACHINE_PATH.search(line) or INDEX_ADDRESS.search(line)


def test_every_decision_is_in_the_list_of_decisions() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    decisions = [file.name for file in (ROOT / "docs/decisions").glob("[0-9]*.md")]
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []


def test_every_link_between_our_pages_leads_somewhere() -> None:
    pages = [ROOT / path for path, _ in texts() if path.endswith(".md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())]
    assert [(str(page), link) for page, link in links if not (page.parent / link).exists()] == []
