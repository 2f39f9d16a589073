"""Fetch a list from a server that may be slow, broken or hostile. Its address may hold a secret: it is never shown."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING

import httpx

from categories.address import MalformedAddress, parse
from categories.errors import ListRefused, ListUnreachable
from categories.source_checks import check_checksum
from categories.streams import unpacked

if TYPE_CHECKING:
    from pathlib import Path

    from categories.sources import ListSource
    from categories.spool import Progress

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """Bytes and seconds that one download may take, and seconds without a byte."""

    size: int = 512 * 1024**2
    seconds: float = 900.0
    idle: float = 30.0
    redirects: int = 5


def download(source: ListSource, target: Path, progress: Progress, limits: DownloadLimits | None = None) -> None:
    """Fetch `source.url` into the new file `target`, with the time of the list as its time.

    Raises ListUnreachable when trying again may help, ListRefused for what the server gave.
    """
    limits = limits or DownloadLimits()
    url = _url(source)
    with target.open("xb") as file:
        try:
            modified = asyncio.run(_fetch(source, url, file, progress, limits))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as problem:
            raise ListRefused(f"list {source.name}: its url is not a web address") from problem
        except (httpx.HTTPError, TimeoutError) as problem:
            what = "took too long" if isinstance(problem, TimeoutError | httpx.TimeoutException) else "broke off"
            raise ListUnreachable(f"list {source.name}: the download {what}: {type(problem).__name__}") from problem
    os.utime(target, (modified, modified))
    _check(source, target)


async def _fetch(source: ListSource, url: str, file: IO[bytes], progress: Progress, limits: DownloadLimits) -> float:
    """Write the body to `file`; give the time of the list (Unix time), never one in the future."""
    # No settings from the environment: they are not the district's file, and a proxy there could answer for anybody.
    client = httpx.AsyncClient(
        timeout=limits.idle, follow_redirects=True, max_redirects=limits.redirects, trust_env=False
    )
    as_it_is = {"Accept-Encoding": "identity"}  # a tar.gz must not be decoded on the way
    async with (
        asyncio.timeout(limits.seconds),
        client,
        client.stream("GET", url, headers=as_it_is) as answer,
    ):
        _check_answer(source, answer)
        await _write(source, answer, file, progress, limits.size)
        return _modified(answer.headers.get("Last-Modified"))


def _url(source: ListSource) -> str:
    try:
        address = parse(source.url or "")
    except MalformedAddress as problem:
        raise ListRefused(f"list {source.name}: its url is not a web address") from problem
    _check_protection(source, address.scheme, address.host)
    return source.url or ""


def _check_protection(source: ListSource, scheme: str, host: str) -> None:
    # Over plain HTTP anybody on the way could edit the list; a check sum makes that harmless.
    if scheme != "https" and host not in _LOOPBACK and not source.checksum:
        raise ListRefused(f"list {source.name}: would come over plain http; use https, or give its checksum")


def _check_answer(source: ListSource, answer: httpx.Response) -> None:
    for url in [hop.url for hop in answer.history] + [answer.url]:
        _check_protection(source, url.scheme, url.host)
    if answer.status_code != httpx.codes.OK:
        raise ListUnreachable(f"list {source.name}: the server answered {answer.status_code}")


async def _write(
    source: ListSource, answer: httpx.Response, file: IO[bytes], progress: Progress, size_cap: int
) -> None:
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdigit() else None
    done = 0
    async for chunk in answer.aiter_raw():
        done += len(chunk)
        if done > size_cap:
            raise ListRefused(f"list {source.name}: is larger than {size_cap} bytes")
        file.write(chunk)
        progress(f"{source.name} (download)", done, total)


def _modified(header: str | None) -> float:
    now = time.time()
    try:
        return min(parsedate_to_datetime(header).timestamp(), now) if header else now
    except (ValueError, OverflowError):
        return now


def _check(source: ListSource, path: Path) -> None:
    if path.stat().st_size == 0:
        raise ListRefused(f"list {source.name}: the server sent nothing")
    check_checksum(source, path)
    with unpacked(path, f"list {source.name}"):  # refuses a web page
        pass
