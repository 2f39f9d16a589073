"""Fetch a list from a server that may be slow, broken or hostile. Its address may hold a secret: it is never shown.

What has not changed is not fetched again, and a download that was cut off goes on where it ended, when the server says
that the beginning is still the same (RFC 9110, 13.1.5). A part is kept between updates as `<name>.part`; it counts as a
list only when it is whole, and is dropped when it is refused.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from categories.declared import declared
from categories.download_addresses import check_address, check_redirect
from categories.download_problems import of_break, of_status
from categories.download_state import Validators, drop, keep_state, share, state_of, validators_of
from categories.errors import ListRefused, ListUnreachable
from categories.pace import Pace, TooSlow
from categories.source_checks import check_checksum

if TYPE_CHECKING:
    from pathlib import Path

    from categories.sources import ListSource
    from categories.spool import Progress

_CHECK = "check its url"
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/(?:[0-9]{1,15}|\*)")


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What one download may take: bytes, seconds for all, for a head and between two bytes, and its slowest pace."""

    size: int = 512 * 1024**2
    seconds: float = 900.0
    head: float = 60.0
    idle: float = 30.0
    rate: int = 4096  # bytes a second, on average over every `stretch` seconds
    stretch: float = 30.0
    redirects: int = 5


def download(
    source: ListSource, target: Path, kept: Path, progress: Progress, limits: DownloadLimits | None = None
) -> str:
    """Fetch `source.url` into the new file `target`, with the time of the list as its time; say in one line how.

    `kept` is the folder with what was fetched before: the list under its name, and the part of one that was cut off.

    Raises ListUnreachable when trying again may help, ListRefused for what the server gave.
    """
    fetch = _Fetch(source, _url(source), kept, progress, limits or DownloadLimits())
    try:
        asyncio.run(fetch.run())
        return fetch.settle(target)
    except KeyboardInterrupt:
        fetch.left_over()
        raise
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as problem:
        raise ListRefused(f"list {source.name}: its url is not a web address") from problem
    except (httpx.HTTPError, TimeoutError) as problem:
        raise ListUnreachable(f"list {source.name}: {of_break(problem)}{fetch.left_over()}") from problem
    finally:
        fetch.tidy()


def _url(source: ListSource) -> str:
    check_address(source, source.url or "")
    return source.url or ""


class _Fetch:
    """One list on its way here. `last` and `begun` are what is known of the whole file and of the part from before."""

    def __init__(self, source: ListSource, url: str, kept: Path, progress: Progress, limits: DownloadLimits) -> None:
        self._source, self._url, self._progress, self._limits = source, url, progress, limits
        self._file, self._part = kept / source.name, kept / f"{source.name}.part"
        last = state_of(self._file, url)
        self._last = last if last and source.wants(last.digest) else None
        self._begun = state_of(self._part, url)
        self._part_is_of_use = self._begun is not None
        self._validators = Validators()
        self._offset = 0
        self._unchanged = False

    async def run(self) -> None:
        """Bring the whole list into the part's file, or find that it has not changed."""
        async with asyncio.timeout(self._limits.seconds), self._client() as client:
            answer = await self._ask(client)
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and self._begun:
                await answer.aclose()
                self._begun = None
                answer = await self._ask(client)
            async with aclosing(answer):
                await self._take(answer)

    def _client(self) -> httpx.AsyncClient:
        # No settings from the environment: they are not the district's file; a proxy there could answer for anybody.
        return httpx.AsyncClient(
            timeout=self._limits.idle,
            follow_redirects=False,
            trust_env=False,
        )

    async def _ask(self, client: httpx.AsyncClient) -> httpx.Response:
        headers = {"Accept-Encoding": "identity"}  # a tar.gz must not be decoded on the way
        if self._last and self._last.validators.etag:
            headers["If-None-Match"] = self._last.validators.etag
        if self._last and self._last.validators.modified:
            headers["If-Modified-Since"] = self._last.validators.modified
        if self._begun and self._begun.validators.for_a_part:
            headers["Range"] = f"bytes={self._part.stat().st_size}-"
            headers["If-Range"] = self._begun.validators.for_a_part
        request = client.build_request("GET", self._url, headers=headers)
        async with asyncio.timeout(self._limits.head):
            return await self._sent(client, request)

    async def _sent(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        # Not left to httpx: it reads the body of a redirect whole, and unpacks it, which no limit of ours ends.
        for _ in range(self._limits.redirects + 1):
            answer = await client.send(request, stream=True)
            if answer.next_request is None:
                return answer
            await answer.aclose()
            check_redirect(self._source, str(request.url), str(answer.next_request.url))
            request = answer.next_request
        raise httpx.TooManyRedirects("more than a list needs", request=request)

    async def _take(self, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.NOT_MODIFIED and self._last and self._last.validators != Validators():
            self._unchanged, self._part_is_of_use = True, False
            return
        if answer.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
            raise ListUnreachable(f"list {self._source.name}: {of_status(answer)}")
        self._part_is_of_use = False
        self._validators = validators_of(answer.headers)
        if answer.status_code == httpx.codes.PARTIAL_CONTENT:
            self._go_on(answer)
        await self._write(answer)

    def _go_on(self, answer: httpx.Response) -> None:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        begun, size = self._begun, self._part.stat().st_size if self._begun else None
        same = begun and self._validators.etag in {None, begun.validators.etag}
        if not (begun and same and found and int(found[1]) == size):
            what = "the server gave another part than was asked for; try again: it starts over"
            raise ListUnreachable(f"list {self._source.name}: {what}")
        self._offset, self._validators = int(found[1]), begun.validators

    async def _write(self, answer: httpx.Response) -> None:
        length = answer.headers.get("Content-Length", "")
        total = self._offset + int(length) if length.isascii() and length.isdigit() else None
        done, pace = self._offset, Pace(self._limits.rate, self._limits.stretch, time.monotonic)
        with self._part.open("ab" if self._offset else "wb") as file:
            async for chunk in answer.aiter_raw():
                done += len(chunk)
                if done > self._limits.size:
                    raise ListRefused(f"list {self._source.name}: is larger than {self._limits.size:,} bytes; {_CHECK}")
                file.write(chunk)
                self._progress(f"{self._source.name} (download)", done, total)
                if pace.too_slow(len(chunk)):
                    raise TooSlow(self._limits.rate, self._limits.stretch)

    def left_over(self) -> str:
        """Keep the part that came, when the server can say later whether its beginning is still the same."""
        if self._validators.for_a_part and self._part.exists() and self._part.stat().st_size:
            keep_state(self._part, self._url, self._validators)
            self._part_is_of_use = True
        return "; what came is kept, and the next update goes on from there" if self._part_is_of_use else ""

    def tidy(self) -> None:
        """Remove a part that nothing can go on with."""
        if not self._part_is_of_use:
            drop(self._part)

    def settle(self, target: Path) -> str:
        """Put the list, checked, where it is wanted, and say how it came."""
        if self._unchanged and self._last:
            share(self._file, target)
            keep_state(target, self._url, self._last.validators)
            return f"list {self._source.name}: not modified since {_day(target)}"
        _check(self._source, self._part)
        said = declared(self._part, f"list {self._source.name}")  # refuses a web page
        made = self._validators.time or said.made
        time_ = min(made or _now(), _now()).timestamp()
        os.utime(self._part, (time_, time_))
        self._part.replace(target)
        keep_state(target, self._url, self._validators)
        before = f", {self._offset:,} of them from the download that was cut off" if self._offset else ""
        return f"list {self._source.name}: {target.stat().st_size:,} bytes{before}, of {_day(target)}"


def _now() -> datetime:
    return datetime.now(UTC)


def _day(file: Path) -> str:
    return f"{datetime.fromtimestamp(file.stat().st_mtime, UTC):%Y-%m-%d}"


def _check(source: ListSource, path: Path) -> None:
    if path.stat().st_size == 0:
        raise ListRefused(f"list {source.name}: the server sent nothing; {_CHECK}")
    check_checksum(source, path)
