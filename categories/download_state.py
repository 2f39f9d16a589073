"""What is known of a list that was fetched before: which bytes it is, and what its server calls them.

It lies beside the file: `<name>.json` for the list as it was last fetched, `<name>.part.json` for what a download that
was cut off has left. A state that does not fit its file (a crash in between, a change by hand) or the address in the
settings counts as none: then everything is fetched again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from categories.digests import file_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

_STATE_CAP = 16 * 1024
_VALIDATOR_CAP = 1024
_ETAG = re.compile(r'(?:W/)?"[!#-~]*"')  # RFC 9110, 8.8.3, without bytes over 127

#: A time says for sure which bytes are meant only when they had not changed for a while (RFC 9110, 8.8.2.2): seconds.
_SETTLED = 60.0


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server calls the bytes that it gave. `settled`: `modified` may vouch for a part of them."""

    etag: str | None = None
    modified: str | None = None
    settled: bool = False

    @property
    def for_a_part(self) -> str | None:
        """What If-Range may say, so that a part is only gone on with where its beginning is still the same."""
        if self.etag is not None:
            return None if self.etag.startswith("W/") else self.etag
        return self.modified if self.settled else None

    @property
    def time(self) -> datetime | None:
        """When the list was last changed, by the server's account."""
        return _time(self.modified)


@dataclass(frozen=True, slots=True)
class DownloadState:
    """A downloaded file: the SHA-256 of the address it came from (which may hold a secret), its own, and validators."""

    url: str
    digest: str
    validators: Validators


def validators_of(headers: Mapping[str, str]) -> Validators:
    """What an answer's headers call its bytes; what is no validator by the standard is none."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    changed, said = _time(modified), _time(headers.get("Date"))
    return Validators(
        etag if len(etag) <= _VALIDATOR_CAP and _ETAG.fullmatch(etag) else None,
        modified if changed else None,
        settled=bool(changed and said and (said - changed).total_seconds() >= _SETTLED),
    )


def _time(header: str | None) -> datetime | None:
    try:
        time = parsedate_to_datetime(header) if header and len(header) <= _VALIDATOR_CAP else None
    except (ValueError, OverflowError):
        return None
    return time if time is None or time.tzinfo else None


def state_of(file: Path, url: str) -> DownloadState | None:
    """What is known of `file`, when it was fetched from `url` and has not changed since."""
    try:
        with state_file(file).open("rb") as stream:
            body = json.loads(stream.read(_STATE_CAP))
        state = DownloadState(body["url"], body["digest"], Validators(**body["validators"]))
        fits = state.url == _digest_of(url) and state.digest == file_digest(file)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return state if fits else None


def keep_state(file: Path, url: str, validators: Validators) -> None:
    """Write down what is known of `file`. Raises OSError."""
    state = DownloadState(_digest_of(url), file_digest(file), validators)
    state_file(file).write_text(json.dumps(asdict(state)), encoding="ascii")


def drop(file: Path) -> None:
    """Remove a file and what is known of it. Raises OSError."""
    state_file(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def state_file(file: Path) -> Path:
    """Where it stands what is known of a file."""
    return file.with_name(f"{file.name}.json")


def _digest_of(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def share(file: Path, target: Path) -> None:
    """The same bytes and the same time under another name; neither is ever written again. Raises OSError."""
    try:
        os.link(file, target)
    except OSError:  # a file system without links
        shutil.copy2(file, target)
