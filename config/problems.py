"""What is wrong with a settings file: one problem a line, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

#: Problems shown of one file: enough to repair it, and few enough to read.
PROBLEM_CAP = 100
_SHOWN_CAP = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` is 1-based, 0 where a problem has none; `key` is "" for the file as a whole."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """FILE:LINE: key: message."""
        place = f"{one_line(self.file)}:{self.line}" if self.line else one_line(self.file)
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsRefused(Exception):
    """A settings file cannot be used; `problems` holds all of it, in the order of the lines. Nothing was applied."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class SettingsUnreadable(SettingsRefused):
    """There is no settings file to be read where one was named."""


def one_line(text: str) -> str:
    """The text on one line, with signs that a terminal acts upon written out."""
    return text if text.isprintable() else repr(text)[1:-1]


def shown(value: object) -> str:
    """A value for a message: one line, quoted if it is text, cut where it is long."""
    text = f'"{one_line(value[: _SHOWN_CAP + 1])}"' if isinstance(value, str) else one_line(repr(value))
    return text if len(text) <= _SHOWN_CAP else f"{text[:_SHOWN_CAP]}…"
