"""Passwords and their hashes."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.identity.passwords import LONGEST, SHORTEST, PasswordRefused, check_strength, hash_password, is_hash, matches

HASH = hash_password("correct horse battery")


def test_a_hash_is_argon2id_at_the_measured_cost():
    assert HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_hash(HASH)
    assert hash_password("correct horse battery") != HASH


@pytest.mark.parametrize(
    "other",
    ["correct horse batterY", "correct horse battery ", "correct horse batter", "", HASH, "correct horse battery\0"],
    ids=["another letter", "longer", "shorter", "nothing", "the hash itself", "a NUL behind it"],
)
def test_only_the_password_itself_matches(other):
    assert matches(HASH, "correct horse battery")
    assert not matches(HASH, other)


@pytest.mark.parametrize(
    ("what", "encoded"),
    [
        ("empty", ""),
        ("with a line end", HASH + "\n"),
        ("cut", HASH[:-1]),
        ("longer", HASH + "A"),
        ("another version", HASH.replace("v=19", "v=16")),
        ("more memory", HASH.replace("m=19456", "m=1048576")),
        ("less memory", HASH.replace("m=19456", "m=8")),
        ("another kind", PasswordHasher(type=Type.D, time_cost=1, memory_cost=8, parallelism=1).hash("x")),
        ("a crypt hash", "$6$salt$hash"),
    ],
    ids=lambda given: "hash" if "$" in given else given,  # a salt is new each time, and ids have to be the same
)
def test_no_other_text_is_a_hash_of_ours(what, encoded):
    assert not is_hash(encoded)


def test_a_hash_that_cannot_be_verified_is_an_error_not_a_wrong_password():
    with pytest.raises(VerificationError):
        matches("$argon2id$v=19$m=19456,t=2,p=1$$", "correct horse battery")


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("a" * (SHORTEST - 1), "shorter"),
        ("abcd" * LONGEST, "longer"),
        ("aaaaaaaaaaaaa", "repeated"),
        ("Ann@example.test", "account name"),
        ("correct\thorse battery", "control"),
    ],
)
def test_a_weak_password_is_refused(password, says):
    with pytest.raises(PasswordRefused, match=says) as caught:
        check_strength("ann@example.test", password)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password", ["twelve signs", "a" * 60 + "bcd!", "contrase\u00f1a larga", "\U0001f40e" * 9 + "abc"]
)
def test_a_long_password_of_any_script_is_accepted(password):
    check_strength("ann", password)


@settings(max_examples=5)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_what_was_hashed_matches(password):
    assert matches(hash_password(password), password)
