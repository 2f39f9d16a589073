from __future__ import annotations

from categories.errors import FloorRefused, IndexRefused, ListRefused, ListsRefused, ListUnreachable, UpdateBusy


def test_every_error_has_the_exit_code_of_its_kind() -> None:
    kinds = [ListRefused, FloorRefused, IndexRefused, UpdateBusy, ListUnreachable]
    assert [kind.exit_code for kind in kinds] == [4, 4, 4, 4, 3]
    assert all(issubclass(kind, ListsRefused) for kind in kinds)
