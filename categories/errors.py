"""What can go wrong with lists, by what the caller can do. Every message is one line, fit to be shown."""

from __future__ import annotations


class ListRefused(Exception):
    """A list cannot be used as it is; the lists in force stay. Look at the list, its settings or its file."""

    exit_code = 4


class FloorRefused(ListRefused):
    """A list of a floor category is missing, empty or shrunk by over 20 % (invariant 1)."""


class ListUnreachable(Exception):
    """A list could not be downloaded; the lists in force stay. Try again later."""

    exit_code = 3


class IndexRefused(Exception):
    """A compiled index is missing, truncated or damaged. Compile again."""

    exit_code = 4


class UpdateBusy(Exception):
    """Another update or compile is at work. Wait for it."""

    exit_code = 4
