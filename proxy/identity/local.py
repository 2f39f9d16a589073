"""Identity method `local`: Basic credentials against the accounts of this filter.

A password is verified once and then recognised by a keyed digest, so a warm cache answers without waiting. What was
proved holds for one revision of one account: a disabled or changed account stops at the next request.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.bounded_cache import BoundedCache
from proxy.identity.accounts import Account, Accounts, canonical_name
from proxy.identity.attempts import Attempts
from proxy.identity.basic import FIELD_CAP, parse_basic
from proxy.identity.identified import Identified, Problem
from proxy.identity.passwords import hash_password, matches, normalised

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD = "local"

#: Seconds that a proved password is recognised while its account stays as it is.
PROOF_LIFE = 12 * 3600.0
#: Seconds that a wrong password is recognised.
FAILURE_LIFE = 60.0
#: Verifications at once: each takes 19 MiB and a core for 21 ms, and the proxy needs the others.
AT_ONCE = 2
#: Requests that may wait for a verification: some 5 s of them, the time after which a hook is given up.
WAITING_CAP = 400

_PROOFS = 50_000
_FAILURES = 10_000


class IdentityBusy(Exception):
    """So many verifications wait that this one would come too late. The request is blocked with error.*."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is kept of a name and a password. `name` is canonical, or None where nobody can be called so."""

    name: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Guess:
    """One pair of name and password, until it is verified."""

    claim: _Claim
    password: str

    def __repr__(self) -> str:
        return "_Guess()"


@dataclass(frozen=True, slots=True)
class _Known:
    """What became of a guess, at one revision of the account (None: there was no account)."""

    digest: bytes
    revision: int | None
    until: float  # seconds, monotonic


class LocalIdentity:
    """Identity by the accounts of this filter. Belongs to one event loop. `clock` gives monotonic seconds."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._digest_key = secrets.token_bytes(32)
        self._proofs: BoundedCache[str, _Known] = BoundedCache(_PROOFS)
        self._failures: BoundedCache[bytes, _Known] = BoundedCache(_FAILURES)
        # By a keyed digest of the whole field: what was proved is recognised again without reading the field.
        self._fields: BoundedCache[bytes, _Claim] = BoundedCache(_PROOFS)
        self._attempts = Attempts()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        # Verified for a name that nobody has, so that the time of the answer does not tell which names exist.
        self._nobody = hash_password(secrets.token_urlsafe(32))

    def swap(self, accounts: Accounts) -> None:
        """Use other accounts from now on. What was proved for a changed account no longer counts."""
        self._accounts = accounts

    @property
    def revision(self) -> int:
        """The revision of the accounts in use."""
        return self._accounts.revision

    def active(self, user: str) -> bool:
        """True while that user has an account that is not disabled."""
        account = self._accounts.get(user)
        return account is not None and not account.disabled

    def recheck(self, identified: Identified) -> Identified:
        """What was found before, as it stands now: a user whose account was closed since is no longer named."""
        if identified.user is None or self.active(identified.user):
            return identified
        return _refused(Problem.DISABLED)

    def close(self) -> None:
        """Stop the verifying threads; those that wait are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def cached(self, header: bytes | None, client: str) -> Identified | None:
        """The answer where no password has to be verified for it, else None. Never waits."""
        found = self._recognised_or_guess(header, client)
        return None if isinstance(found, _Guess) else found

    async def identify(self, header: bytes | None, client: str) -> Identified:
        """Who sends `header`, the value of Proxy-Authorization, from the IP address `client`. Raises IdentityBusy."""
        found = self._recognised_or_guess(header, client)
        if not isinstance(found, _Guess):
            return found
        if self._waiting >= WAITING_CAP:
            raise IdentityBusy(f"{WAITING_CAP} passwords wait to be verified")
        self._waiting += 1
        try:
            async with self._gate:
                return await self._answered(found, client)
        finally:
            self._waiting -= 1

    async def _answered(self, guess: _Guess, client: str) -> Identified:
        # Asked again inside the gate: a browser opens twenty connections at once, and a guesser may have spent its
        # attempts while it waited, so that no burst gets more than AT_ONCE guesses over the limit.
        known = self._recognised(guess.claim, client)
        while known is None:
            await self._verify(guess, client)
            known = self._recognised(guess.claim, client)
        return known

    async def _verify(self, guess: _Guess, client: str) -> None:
        """Verify one password off the loop and remember the outcome."""
        claim = guess.claim
        account = self._account(claim)
        encoded = self._nobody if account is None else account.password_hash
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, matches, encoded, guess.password)
        now = self._clock()
        if account is not None and right:
            self._proofs.put(account.name, _Known(claim.digest, account.revision, now + PROOF_LIFE))
            return
        self._failures.put(claim.digest, _Known(claim.digest, _revision(account), now + FAILURE_LIFE))
        self._attempts.failed(client, now)

    def _recognised_or_guess(self, header: bytes | None, client: str) -> Identified | _Guess:
        """Give the answer where no password has to be verified for it, else the pair that has to be."""
        if header is None or len(header) > FIELD_CAP:
            return _refused(Problem.REQUIRED)
        mark = hashlib.blake2b(header, key=self._digest_key, digest_size=32).digest()
        claim = self._fields.get(mark)
        if claim is not None and (known := self._recognised(claim, client)) is not None:
            return known
        guess = self._guess(header)
        if guess is None:
            return _refused(Problem.REQUIRED)
        known = self._recognised(guess.claim, client)
        if known is not None and known.user is not None:
            self._fields.put(mark, guess.claim)
        return known or guess

    def _recognised(self, claim: _Claim, client: str) -> Identified | None:
        account = self._account(claim)
        now = self._clock()
        if account is not None and _holds(self._proofs.get(account.name), claim, account, now):
            return _refused(Problem.DISABLED) if account.disabled else Identified(account.name, METHOD, None)
        if _holds(self._failures.get(claim.digest), claim, account, now):
            return _refused(Problem.PASSWORD)
        return _refused(Problem.ATTEMPTS) if self._attempts.spent(client, now) else None

    def _account(self, claim: _Claim) -> Account | None:
        return None if claim.name is None else self._accounts.get(claim.name)

    def _guess(self, header: bytes) -> _Guess | None:
        credentials = parse_basic(header)
        if credentials is None:
            return None
        name = canonical_name(credentials.name)
        password = normalised(credentials.password)
        # parse_basic lets no control character through, so NUL parts name and password without doubt.
        text = f"{name or credentials.name}\0{password}".encode()
        return _Guess(_Claim(name, hmac.digest(self._digest_key, text, hashlib.sha256)), password)


def _holds(known: _Known | None, claim: _Claim, account: Account | None, now: float) -> bool:
    """True when what is known still says something about this claim at this account."""
    if known is None or now >= known.until or known.revision != _revision(account):
        return False
    return hmac.compare_digest(known.digest, claim.digest)


def _revision(account: Account | None) -> int | None:
    return None if account is None else account.revision


def _refused(problem: Problem) -> Identified:
    return Identified(None, METHOD, problem)
