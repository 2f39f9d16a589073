from __future__ import annotations

import re

import pytest

from usage_log.record import new_id, typed_id


def test_ids_are_26_characters_of_crockford_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", one) for one in ids)


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
