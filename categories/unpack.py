"""Take the few files of a list out of a tar archive that a stranger made.

Nothing is ever written under a name of the archive: files are numbered, so there is nowhere to traverse to. A member
that no list needs and an attacker would use (absolute name, `..`, device, hard link, sparse file, link that leads out)
refuses the whole archive: the next member may be one that was overlooked.
"""

from __future__ import annotations

import posixpath
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.streams import CappedReader, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

#: Most members in one archive (UT1 has about 400), and most bytes of headers before one (a pax header is read whole).
MEMBERS_CAP = 20_000
HEADER_CAP = 1024**2
_CHUNK = 1 << 18
_ODD = "check where it comes from"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The wanted members of an archive by their normal name ("blacklists/adult/domains"), and its inner links."""

    files: Mapping[str, Path]
    links: Mapping[str, str]  # name of the link -> name it leads to


def unpack(archive: Path, name: str, folder: Path, wanted: Callable[[str], bool]) -> Unpacked:
    """Unpack a .tar or .tar.gz into numbered files in `folder`. The first of two members with one name counts.

    Raises ListRefused. `name` is how errors call the list.
    """
    files: dict[str, Path] = {}
    links: dict[str, str] = {}
    with unpacked(archive, name) as stream, _hostile_headers_refused(name):
        stream.allowance = HEADER_CAP
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for count, member in enumerate(_members(tar, stream)):
                inside = _normal(member, name, count)
                if member.issym():
                    links.setdefault(inside, _target(member, inside, name))
                elif member.isfile() and wanted(inside) and inside not in files:
                    files[inside] = _written(tar, member, folder / str(len(files)))
        stream.allowance = HEADER_CAP
        while stream.read(_CHUNK):  # to the end, where the check sum of gzip stands
            pass
    return Unpacked(files, links)


@contextmanager
def _hostile_headers_refused(name: str) -> Iterator[None]:
    # tarfile takes the numbers of sparse files from headers without a look at them, and headers of headers recurse.
    try:
        yield
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as damage:
        raise ListRefused(f"{name}: is truncated or damaged ({type(damage).__name__}); get it again") from damage


def _members(tar: tarfile.TarFile, stream: CappedReader) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        stream.allowance = member.size + HEADER_CAP
        yield member


def _normal(member: tarfile.TarInfo, name: str, count: int) -> str:
    parts = [part for part in member.name.split("/") if part not in {"", "."}]
    hostile = member.name.startswith("/") or ".." in parts or "\\" in member.name or "\0" in member.name
    if hostile or not (member.isfile() or member.isdir() or member.issym()) or member.issparse():
        raise ListRefused(f"{name}: the archive holds a member that no list needs: {member.name[:80]!a}; {_ODD}")
    if count >= MEMBERS_CAP:
        raise ListRefused(f"{name}: the archive has more than {MEMBERS_CAP} members; {_ODD}")
    return "/".join(parts)


def _target(member: tarfile.TarInfo, inside: str, name: str) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(inside), member.linkname))
    if target.startswith(("/", "..")):
        raise ListRefused(f"{name}: the archive holds a link that leads out of it: {member.name[:80]!a}; {_ODD}")
    return target


def _written(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> Path:
    source = tar.extractfile(member)
    if source is None:
        raise ListRefused(f"the archive's {member.name[:80]!a} is not a regular file")
    with source, path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    return path
