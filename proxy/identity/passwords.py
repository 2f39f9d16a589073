"""Passwords: what may be one, how one is hashed, how one is checked. Nothing here remembers or prints any.

Argon2id with 2 passes, 19 MiB and one lane is OWASP's second parameter set, and costs 21 ms of one core where
argon2-cffi's own default costs 167 ms (measured, 2026-11-22): a filter asks for passwords all morning.
"""

from __future__ import annotations

import re
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

#: NIST SP 800-63B asks for 8 characters at least and advises 15; without a second factor we ask for 12.
SHORTEST = 12
#: Characters. Bounds what one verification reads; NIST SP 800-63B asks that 64 be possible.
LONGEST = 128

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
# A hash says itself how much memory and time its check takes, so one from outside must not ask for more than ours do;
# and were some cheaper than others, the time of an answer would tell which accounts exist.
_HASH = re.compile(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")


class PasswordRefused(Exception):
    """That cannot be a password. The message says why, and never holds it."""


def normalised(password: str) -> str:
    """One form for what looks the same (NFC), so that a keyboard does not decide whether somebody gets in."""
    return unicodedata.normalize("NFC", password)


def check_strength(name: str, password: str) -> None:
    """Raise PasswordRefused for a password that is too short, too long, or that everybody tries first."""
    if len(password) < SHORTEST:
        raise PasswordRefused(f"the password is shorter than {SHORTEST} characters; take a longer one")
    if len(password) > LONGEST:
        raise PasswordRefused(f"the password is longer than {LONGEST} characters; take a shorter one")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in password):
        raise PasswordRefused("the password holds a control character; take it out")
    if len(set(password)) < 4 or password.lower() == name:
        raise PasswordRefused("the password is the account name or one sign repeated; take another one")


def hash_password(password: str) -> str:
    """An Argon2id hash with a salt of its own. 21 ms and 19 MiB: not for the event loop."""
    return _HASHER.hash(normalised(password))


def is_hash(encoded: str) -> bool:
    """True for what hash_password makes: Argon2id at our cost, 16 bytes of salt, 32 of hash."""
    return _HASH.fullmatch(encoded) is not None


def matches(encoded: str, password: str) -> bool:
    """True when the password is the one that was hashed. 21 ms and 19 MiB: not for the event loop.

    Raises argon2.exceptions.VerificationError when there is no memory for it: that is not a wrong password.
    """
    try:
        return _HASHER.verify(encoded, normalised(password))
    except VerifyMismatchError:
        return False
