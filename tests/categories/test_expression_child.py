from __future__ import annotations

import json
import subprocess
import sys

from categories.expression_engine import Matcher


def child(action: str, patterns: list[str]) -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-P", "-m", "categories.expression_child", action)
    return subprocess.run(command, input=json.dumps(patterns).encode(), capture_output=True, check=False)


def test_check_answers_every_pattern_in_a_line() -> None:
    done = child("check", ["foo", "a(?=b)", "[aeiou]"])
    first, *answers = done.stdout.decode().splitlines()
    assert first == "ready"
    assert [json.loads(answer) for answer in answers] == [
        None,
        "the engine refuses it: Zero-width assertions are not supported",
        "matches 60 of 60 ordinary addresses",
    ]
    assert done.returncode == 0


def test_check_is_ended_by_the_kernel_at_a_pattern_over_the_limit() -> None:
    done = child("check", ["foo", "a" + ".?" * 1000 + "b", "bar"])
    assert done.stdout.decode().splitlines() == ["ready", "null"]
    assert done.returncode < 0


def test_build_writes_what_the_engine_loads() -> None:
    done = child("build", ["foo", "bar"])
    assert Matcher.load(done.stdout).ends(b"a bar") == {1: 5}
    assert done.returncode == 0


def test_build_says_why_it_cannot() -> None:
    done = child("build", ["foo", r"(a)\1"])
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith("EngineRefused: Back-references are unsupported")
