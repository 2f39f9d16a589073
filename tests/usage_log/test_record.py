from __future__ import annotations

import re
from collections import Counter

import pytest

from usage_log.record import new_id, typed_id


def test_ids_are_26_characters_of_crockford_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", one) for one in ids)


def test_every_digit_of_an_id_is_as_likely_as_any_other_in_each_place() -> None:
    counted = Counter((place, digit) for _ in range(6400) for place, digit in enumerate(new_id()))
    assert len(counted) == 26 * 32
    assert all(80 < times < 360 for times in counted.values())  # 200 expected, 14 the standard deviation


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0123456789ABCDEFGHJKMNPQRS", "0123456789ABCDEFGHJKMNPQRS"),
        (" 0123456789abcdefghjkmnpqrs\n", "0123456789ABCDEFGHJKMNPQRS"),
        ("OI23456789-ABCDEFGHJK-MNPQRS", "0123456789ABCDEFGHJKMNPQRS"),
        ("0123456789ABCDEFGHJKMNPQR", None),
        ("0123456789ABCDEFGHJKMNPQRU", None),
        ("' OR 1=1 --", None),
        ("٠" * 26, None),
        ("0" * 10_000_000, None),
        ("", None),
    ],
)
def test_what_a_person_types_as_an_id(typed: str, meant: str | None) -> None:
    assert typed_id(typed) == meant
