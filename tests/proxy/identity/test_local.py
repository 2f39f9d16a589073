"""Identity by name and password: who is named, who is not, and what it costs to find out."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from proxy.identity import local
from proxy.identity.accounts import Account, Accounts
from proxy.identity.attempts import LIMIT, WINDOW
from proxy.identity.identified import Identified, Problem
from proxy.identity.local import FAILURE_LIFE, PROOF_LIFE, IdentityBusy, LocalIdentity
from proxy.identity.passwords import hash_password
from tests.proxy.clock import Clock

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
CLIENT = "10.1.2.3"


def header(name: str = "ann", password: str = PASSWORD) -> bytes:
    return b"Basic " + b64encode(f"{name}:{password}".encode())


def named(user: str) -> Identified:
    return Identified(user, "local", None)


def refused(problem: Problem) -> Identified:
    return Identified(None, "local", problem)


class Verifications:
    """Counts what reaches Argon2, and how many of it at once."""

    def __init__(self, real) -> None:
        self._real = real
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.running = self.most = 0

    def __call__(self, encoded: str, password: str) -> bool:
        with self._lock:
            self.asked.append(encoded)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return self._real(encoded, password)
        finally:
            with self._lock:
                self.running -= 1


@pytest.fixture
def accounts() -> Accounts:
    accounts = Accounts()
    for number, name in enumerate(("ann", "bob", "eve"), 1):
        accounts = accounts.with_account(Account(name, HASH, name == "eve", number, "staff", NOW))
    return accounts


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(accounts, clock):
    identity = LocalIdentity(accounts, clock)
    yield identity
    identity.close()


@pytest.fixture
def verifications(monkeypatch) -> Verifications:
    counted = Verifications(local.matches)
    monkeypatch.setattr(local, "matches", counted)
    return counted


@pytest.mark.parametrize(
    ("what", "value", "problem"),
    [
        ("no field", None, Problem.REQUIRED),
        ("an empty field", b"", Problem.REQUIRED),
        ("another scheme", b"Negotiate YII=", Problem.REQUIRED),
        ("broken base 64", b"Basic ???", Problem.REQUIRED),
        ("two fields in one", header() + b", " + header("bob"), Problem.REQUIRED),
        ("a wrong password", header(password="wrong horse battery"), Problem.PASSWORD),
        ("an empty password", header(password=""), Problem.PASSWORD),
        ("the hash itself", header(password=HASH), Problem.PASSWORD),
        ("an unknown name", header("nobody"), Problem.PASSWORD),
        ("a name that cannot be one", header("ann\u212a"), Problem.PASSWORD),
        ("a name with a space, which is not ann", header("ann "), Problem.PASSWORD),
        ("a disabled account", header("eve"), Problem.DISABLED),
        ("a wrong password does not tell that the account is disabled", header("eve", "guess"), Problem.PASSWORD),
    ],
)
async def test_nobody_is_named(identity, what, value, problem):
    assert await identity.identify(value, CLIENT) == refused(problem)
    assert identity.cached(value, CLIENT) == refused(problem)


@pytest.mark.parametrize("name", ["ann", "ANN", "Ann"])
async def test_the_right_password_names_the_canonical_user(identity, name):
    assert await identity.identify(header(name), CLIENT) == named("ann")


async def test_what_was_proved_is_answered_without_waiting_or_verifying(identity, verifications):
    assert identity.cached(header(), CLIENT) is None
    await identity.identify(header(), CLIENT)
    assert identity.cached(header(), "10.9.9.9") == named("ann")
    assert identity.cached(header("ANN"), CLIENT) == named("ann")
    assert await identity.identify(header(), CLIENT) == named("ann")
    assert len(verifications.asked) == 1


async def test_the_same_password_of_two_users_stays_two_users(identity):
    assert await identity.identify(header("ann"), CLIENT) == named("ann")
    assert identity.cached(header("bob"), CLIENT) is None
    assert await identity.identify(header("bob"), CLIENT) == named("bob")
    assert identity.cached(header("ann"), CLIENT) == named("ann")


async def test_a_colon_moved_between_name_and_password_is_another_guess(identity, accounts):
    identity.swap(accounts.with_account(Account("a", hash_password("nn:" + PASSWORD), False, 9, "staff", NOW)))
    assert await identity.identify(header("a", "nn:" + PASSWORD), CLIENT) == named("a")
    assert identity.cached(header("ann"), CLIENT) is None


async def test_the_password_is_kept_nowhere(identity):
    await identity.identify(header(), CLIENT)
    await identity.identify(header(password="wrong horse battery"), CLIENT)
    kept = _everything(identity)
    assert len(kept) > 10
    assert not any(PASSWORD in text or "wrong horse" in text for text in kept)


async def test_a_disabled_account_stops_at_once(identity, accounts):
    await identity.identify(header(), CLIENT)
    identity.swap(accounts.with_account(replace(accounts.get("ann"), disabled=True, revision=4)))
    assert identity.cached(header(), CLIENT) is None
    assert await identity.identify(header(), CLIENT) == refused(Problem.DISABLED)


async def test_a_removed_account_stops_at_once(identity):
    await identity.identify(header(), CLIENT)
    identity.swap(Accounts(9))
    assert await identity.identify(header(), CLIENT) == refused(Problem.PASSWORD)


async def test_inside_a_tunnel_a_closed_account_is_noticed(identity, accounts):
    ann, nobody = await identity.identify(header(), CLIENT), refused(Problem.REQUIRED)
    assert identity.recheck(ann) == ann
    assert identity.recheck(nobody) == nobody
    identity.swap(accounts.with_account(replace(accounts.get("ann"), disabled=True, revision=4)))
    assert identity.recheck(ann) == refused(Problem.DISABLED)
    assert not identity.active("ann")
    identity.swap(Accounts(9))
    assert identity.recheck(ann) == refused(Problem.DISABLED)
    assert identity.revision == 9


async def test_a_changed_password_ends_the_old_and_begins_the_new(identity, accounts):
    new = header(password="another long password")
    await identity.identify(header(), CLIENT)
    assert await identity.identify(new, CLIENT) == refused(Problem.PASSWORD)
    changed = replace(accounts.get("ann"), password_hash=hash_password("another long password"), revision=4)
    identity.swap(accounts.with_account(changed))
    assert await identity.identify(header(), CLIENT) == refused(Problem.PASSWORD)
    assert await identity.identify(new, CLIENT) == named("ann")


async def test_another_account_changing_costs_nobody_a_verification(identity, accounts, verifications):
    await identity.identify(header(), CLIENT)
    identity.swap(accounts.with_account(replace(accounts.get("bob"), disabled=True, revision=4)))
    assert identity.cached(header(), CLIENT) == named("ann")


async def test_an_account_disabled_during_its_verification_is_refused(identity, accounts, monkeypatch):
    real = local.matches

    def disabling(encoded: str, password: str) -> bool:
        identity.swap(accounts.with_account(replace(accounts.get("ann"), disabled=True, revision=4)))
        return real(encoded, password)

    monkeypatch.setattr(local, "matches", disabling)
    assert await identity.identify(header(), CLIENT) == refused(Problem.DISABLED)


async def test_a_proof_ends_after_twelve_hours(identity, clock, verifications):
    await identity.identify(header(), CLIENT)
    clock.now += PROOF_LIFE - 1
    assert identity.cached(header(), CLIENT) == named("ann")
    clock.now += 1
    assert identity.cached(header(), CLIENT) is None
    assert await identity.identify(header(), CLIENT) == named("ann")
    assert len(verifications.asked) == 2


async def test_a_wrong_password_is_remembered_for_a_minute_and_counts_once(identity, clock, verifications):
    wrong = header(password="an old stored password")
    for _ in range(3 * LIMIT):
        assert await identity.identify(wrong, CLIENT) == refused(Problem.PASSWORD)
    assert len(verifications.asked) == 1
    assert await identity.identify(header(), CLIENT) == named("ann")
    clock.now += FAILURE_LIFE
    assert identity.cached(wrong, CLIENT) is None


async def test_ten_wrong_passwords_end_verification_for_that_address_only(identity, clock, verifications):
    await identity.identify(header("bob"), CLIENT)
    for number in range(LIMIT):
        assert await identity.identify(header(password=f"guess {number}"), CLIENT) == refused(Problem.PASSWORD)
    assert identity.cached(header(password="one more"), CLIENT) == refused(Problem.ATTEMPTS)
    assert await identity.identify(header(), CLIENT) == refused(Problem.ATTEMPTS)
    assert len(verifications.asked) == 1 + LIMIT
    assert identity.cached(header("bob"), CLIENT) == named("bob"), "who was proved before is not shut out"
    assert await identity.identify(header(), "10.1.2.4") == named("ann")
    clock.now += WINDOW
    assert await identity.identify(header(password="later"), CLIENT) == refused(Problem.PASSWORD)


async def test_a_burst_of_guesses_gets_no_more_than_the_limit_and_those_under_way(identity, verifications):
    burst = [identity.identify(header(password=f"guess {number}"), CLIENT) for number in range(60)]
    answers = await asyncio.gather(*burst)
    assert answers.count(refused(Problem.PASSWORD)) <= LIMIT + local.AT_ONCE - 1
    assert answers.count(refused(Problem.ATTEMPTS)) >= 60 - LIMIT - local.AT_ONCE + 1
    assert len(verifications.asked) <= LIMIT + local.AT_ONCE - 1
    assert verifications.most <= local.AT_ONCE


async def test_twenty_connections_of_one_browser_verify_at_most_twice(identity, verifications):
    answers = await asyncio.gather(*[identity.identify(header(), CLIENT) for _ in range(20)])
    assert set(answers) == {named("ann")}
    assert len(verifications.asked) <= local.AT_ONCE


async def test_an_unknown_name_costs_a_verification_like_a_known_one(identity, verifications):
    await identity.identify(header("nobody"), CLIENT)
    await identity.identify(header("no such name"), CLIENT)
    assert len(verifications.asked) == 2
    assert all(encoded.startswith(HASH[: HASH.index("p=1")]) for encoded in verifications.asked)


async def test_too_many_waiting_is_an_error_not_an_answer(identity, monkeypatch):
    monkeypatch.setattr(local, "WAITING_CAP", 0)
    with pytest.raises(IdentityBusy):
        await identity.identify(header(), CLIENT)


async def test_a_verification_that_fails_names_nobody_and_frees_its_place(identity, monkeypatch):
    def broken(encoded: str, password: str) -> bool:
        raise MemoryError

    real = local.matches
    monkeypatch.setattr(local, "matches", broken)
    for _ in range(3 * local.AT_ONCE):
        with pytest.raises(MemoryError):
            await identity.identify(header(), CLIENT)
    monkeypatch.setattr(local, "matches", real)
    assert await identity.identify(header(), CLIENT) == named("ann")


async def test_a_cancelled_wait_frees_its_place(identity):
    tasks = [asyncio.create_task(identity.identify(header(password=f"{n}"), f"10.0.0.{n}")) for n in range(8)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await identity.identify(header(), CLIENT) == named("ann")


def _everything(value: object, seen: set[int] | None = None) -> list[str]:
    """The text of every value that can be reached from an object."""
    seen = set() if seen is None else seen
    if id(value) in seen or callable(value) or isinstance(value, type):
        return []
    seen.add(id(value))
    if isinstance(value, str | bytes | int | float | None):
        return [value.decode("latin-1") if isinstance(value, bytes) else str(value)]
    parts: list[object] = []
    if isinstance(value, dict):
        parts += [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set):
        parts += list(value)
    parts += list(getattr(value, "__dict__", {}).values())
    parts += [getattr(value, slot) for slot in getattr(type(value), "__slots__", ()) if hasattr(value, slot)]
    return [text for part in parts for text in _everything(part, seen)]
