"""The district's file -> Settings, or everything that is wrong with it at once, each with its line.

Paths in a file are taken from the folder in which it stands. Unknown keys are errors with a hint; keys of DESIGN.md
whose part is not built yet are refused as such, never accepted and ignored.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from config.error_text import dotted, explain
from config.problems import PROBLEM_CAP, Problem, SettingsRefused, SettingsUnreadable
from config.settings import DEFAULT_STATE_DIR, Settings, StateDir
from config.yaml_tree import FILE_CAP, Tree, YamlRefused, read

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["Problem", "SettingsRefused", "load", "loads", "read_file", "state_dir_of"]

_STATE_DIR_LINE = re.compile(r"^state_dir[ \t]*:[^\n]*", re.MULTILINE)
_STATE_DIR: TypeAdapter[Path] = TypeAdapter(StateDir)


def load(path: Path, today: date | None = None) -> Settings:
    """Read and check a file. `today` (UTC) is for dates that may not lie ahead. Raises SettingsRefused."""
    return _settings(read_file(path), str(path), folder_of(path), today)


def loads(text: str, name: str, base: Path, today: date | None = None) -> Settings:
    """Check the text of a file called `name` that stood in the folder `base`. Raises SettingsRefused."""
    return _settings(text.encode("utf-8", "surrogatepass"), name, base, today)


def folder_of(path: Path) -> Path:
    """The folder from which a file's relative paths are taken: where it is named, not where a link leads."""
    return path.absolute().parent.resolve()


def read_file(path: Path) -> bytes:
    """The bytes of a file, at most one more than may be read. Raises SettingsUnreadable."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(path, "it is not a regular file")
            return file.read(FILE_CAP + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from None


def _without_waiting(name: str, flags: int) -> int:
    """A pipe that nobody writes to would be waited for."""
    return os.open(name, flags | os.O_NONBLOCK)


def _unreadable(path: Path, why: str) -> SettingsUnreadable:
    what = f"cannot be read: {why}; name the district's file with --config"
    return SettingsUnreadable((Problem(str(path), 0, "", what),))


def state_dir_of(path: Path) -> Path:
    """The state folder that a file names, read without the rest: a broken edit must not stop a start.

    Raises SettingsRefused when the file or that key cannot be read.
    """
    data = read_file(path)
    try:
        tree = read(data)
    except YamlRefused:
        tree = _state_dir_line(data, str(path))
    return _state_dir(tree, str(path), folder_of(path))


def _state_dir_line(data: bytes, name: str) -> Tree:
    lines: list[str] = _STATE_DIR_LINE.findall(data.decode("utf-8", "replace"))
    try:
        if len(lines) == 1:
            return read(lines[0].encode())
    except YamlRefused:
        pass  # that very line is broken: the same answer as for a file without it
    why = "cannot be read on its own, and the rest of the file is no YAML"
    raise SettingsRefused((Problem(name, 0, "state_dir", why),))


def _state_dir(tree: Tree, name: str, base: Path) -> Path:
    if any(path == ("state_dir",) for path, _ in tree.repeated):
        raise SettingsRefused((Problem(name, tree.line_of(("state_dir",)), "state_dir", "stands here twice"),))
    values = tree.value if isinstance(tree.value, dict) else {}
    if "state_dir" not in values:
        return DEFAULT_STATE_DIR
    try:
        return _STATE_DIR.validate_python(values["state_dir"], context={"base": base})
    except ValidationError as error:
        _, why = explain(error.errors(include_url=False)[0])
        raise SettingsRefused((Problem(name, tree.line_of(("state_dir",)), "state_dir", why),)) from None


def _settings(data: bytes, name: str, base: Path, today: date | None) -> Settings:
    try:
        tree = read(data)
    except YamlRefused as refused:
        raise SettingsRefused((Problem(name, refused.line, "", refused.message),)) from None
    if not isinstance(tree.value, dict):
        raise SettingsRefused((Problem(name, 1, "", "the file holds no keys; it begins with, say, district:"),))
    found: list[ErrorDetails] = []
    settings = None
    try:
        settings = Settings.model_validate(tree.value, context={"base": base, "today": today})
    except ValidationError as error:
        found = error.errors(include_url=False)
    problems = _problems(found, tree, name)
    if problems or settings is None:
        raise SettingsRefused(problems)
    return settings


def _problems(found: list[ErrorDetails], tree: Tree, name: str) -> tuple[Problem, ...]:
    """What was found, and keys that stand twice, in the order of the lines."""
    twice = [
        Problem(name, line, dotted(path), f"stands here again; the first one is on line {tree.line_of(path)}")
        for path, line in tree.repeated
    ]
    wrong = [Problem(name, tree.line_of(error["loc"]), *explain(error)) for error in found[:PROBLEM_CAP]]
    problems = sorted({*twice, *wrong}, key=lambda problem: (problem.line, problem.key))
    if len(found) + len(twice) > PROBLEM_CAP:
        more = Problem(name, 0, "", f"and at least {len(found) + len(twice) - PROBLEM_CAP} more problems")
        return (*problems[:PROBLEM_CAP], more)
    return tuple(problems)
