from __future__ import annotations

import os
import re

import pytest

from usage_log.record import new_id, typed_id


def test_ids_are_26_characters_of_crockford_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", one) for one in ids)


def test_a_child_does_not_give_out_the_ids_of_its_parent() -> None:
    new_id()  # from here on some are made
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, "".join(new_id() for _ in range(100)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    text = os.read(reading, 100_000).decode()
    assert len(text) == 2600
    assert not {text[start : start + 26] for start in range(0, 2600, 26)} & {new_id() for _ in range(100)}
    os.close(reading)
    os.close(writing)


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
