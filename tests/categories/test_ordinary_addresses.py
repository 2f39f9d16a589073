from __future__ import annotations

import pytest

from categories.address import parse
from categories.ordinary_addresses import MATCHED_CAP, ORDINARY


@pytest.mark.parametrize("address", ORDINARY)
def test_each_is_written_as_expressions_see_it(address: str) -> None:
    assert parse(f"http://{address}").url == f"http://{address}"


def test_there_are_enough_to_tell_broad_from_narrow() -> None:
    assert len(set(ORDINARY)) == len(ORDINARY) >= 10 * MATCHED_CAP
