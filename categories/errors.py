"""What can go wrong with lists, by what the caller can do. Every message is one line, fit to be shown."""

from __future__ import annotations


class ListsRefused(Exception):
    """Something about the lists did not go through; what is in force stays. Exit code as the command line has it."""

    exit_code = 4


class ListRefused(ListsRefused):
    """A list cannot be used as it is. Look at the list, its settings or its file."""


class FloorRefused(ListRefused):
    """A list of a floor category is missing, empty or shrunk by over 20 % (invariant 1)."""


class ListUnreachable(ListsRefused):
    """A list could not be downloaded. Try again later."""

    exit_code = 3


class IndexRefused(ListsRefused):
    """A compiled index is missing, truncated or damaged. Compile again."""


class UpdateBusy(ListsRefused):
    """Another update or compile is at work. Wait for it."""
