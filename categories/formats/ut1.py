"""`ut1`: the tree of the University of Toulouse, as squidGuard reads it: a folder a category, as folder or tar archive.

Read: `domains`, `urls` (also `.gz` and in parts, `domains.2`), `usage`, `global_usage`; `expressions` are counted as
unsupported. Only folders that the settings map are used. Folders that the tree calls white ("do not block") are left
out unless the settings name them as white with an owner: a loader that blocks every folder blocks sexual education.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.formats import domains, urls
from categories.formats.entry import OpenedList, Part, UnsupportedLine, each_line
from categories.streams import damage_refused, lines, unpacked
from categories.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from categories.formats.entry import LineParser, ParsedLine
    from categories.sources import ListSource

#: Names that the tree's own links give to folders; a copy that lost its links still has them.
ALIASES: Mapping[str, str] = {
    "ads": "publicite",
    "aggressive": "agressif",
    "drugs": "drogue",
    "porn": "adult",
    "proxy": "redirector",
}

_LIST_FILE = re.compile(r"(domains|urls|expressions|very_restrictive_expression)(?:\.[0-9]+)?(?:\.gz)?")
_WANTED = re.compile(rf"usage|global_usage|{_LIST_FILE.pattern}")
_TOP = "blacklists"
_USAGE_CAP = 1024**2


def _unsupported(raw_lines: Iterable[bytes]) -> Iterator[ParsedLine]:
    return each_line(raw_lines, lambda line, _: (UnsupportedLine(line),))


_PARSERS: Mapping[str, LineParser] = {
    "domains": domains.parse,
    "urls": urls.parse,
    "expressions": _unsupported,
    "very_restrictive_expression": _unsupported,
}


@dataclass(frozen=True, slots=True)
class _Tree:
    folders: Mapping[str, Mapping[str, Path]]  # "adult" -> "domains" -> where its bytes are
    aliases: Mapping[str, str]
    global_usage: Path | None

    def folder(self, name: str) -> str | None:
        """The real folder behind a name or an alias."""
        known = (name, self.aliases.get(name), ALIASES.get(name))
        return next((candidate for candidate in known if candidate in self.folders), None)


def open_list(source: ListSource, at: Path, scratch: Path) -> OpenedList:
    """Find the files of every mapped folder. Raises ListRefused when one is missing or white without an owner."""
    if not source.map and not source.white:
        raise ListRefused(f"list {source.name}: map names no folder of the list; say which of our categories each is")
    tree = _tree_of_folder(source.name, at) if at.is_dir() else _tree_of_archive(source.name, at, scratch)
    white = _white_folders(tree, source.name)
    notes = tuple(
        f"white list {folder} is not used: white has no owner for it"
        for folder in sorted(white - {tree.folder(name) for name in source.white})
    )
    wanted = {name: category for name, category in source.map.items() if name not in source.white}
    black = [part for name, category in wanted.items() for part in _black_parts(tree, white, source, name, category)]
    allowed = [part for name in source.white for part in _white_parts(tree, white, source, name)]
    return OpenedList(tuple(dict.fromkeys(black + allowed)), notes)


def _black_parts(tree: _Tree, white: frozenset[str], source: ListSource, name: str, category: str) -> Iterator[Part]:
    folder = _existing(tree, source, name)
    if folder in white:
        raise ListRefused(f"list {source.name}: {name} is a white list by its own account; name it under white instead")
    yield from _parts(tree, folder, category, white=False)


def _white_parts(tree: _Tree, white: frozenset[str], source: ListSource, name: str) -> Iterator[Part]:
    folder = _existing(tree, source, name)
    if folder not in white:
        raise ListRefused(f"list {source.name}: {name} is not a white list by its own account; take it out of white")
    if not source.white[name].strip():
        raise ListRefused(f"list {source.name}: white list {name} has no owner; name who answers for it")
    yield from _parts(tree, folder, source.map.get(name, name), white=True)


def _existing(tree: _Tree, source: ListSource, name: str) -> str:
    folder = tree.folder(name)
    if folder is None:
        raise ListRefused(f"list {source.name}: has no folder {name!a}; check the name, or where the list comes from")
    return folder


def _parts(tree: _Tree, folder: str, category: str, *, white: bool) -> Iterator[Part]:
    for file, path in sorted(tree.folders[folder].items()):
        if kind := _LIST_FILE.fullmatch(file):
            yield Part(f"{folder}/{file}", path, category, _PARSERS[kind[1]], white)


def _tree_of_archive(name: str, archive: Path, scratch: Path) -> _Tree:
    contents = unpack(
        archive, f"list {name}", scratch, lambda inside: bool(_WANTED.fullmatch(inside.rpartition("/")[2]))
    )
    folders: dict[str, dict[str, Path]] = {}
    global_usage = None
    for inside, path in contents.files.items():
        match _place(inside):
            case (folder, file):
                folders.setdefault(folder, {}).setdefault(file, path)
            case ("global_usage",):
                global_usage = global_usage or path
    return _Tree(folders, dict(_folder_links(contents.links)), global_usage)


def _folder_links(links: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for link, target in links.items():
        match _place(link), _place(target):
            case (alias,), (folder,):
                yield alias, folder


def _place(inside: str) -> tuple[str, ...]:
    """(folder, file), or (file,) at the top; () for a stray copy such as blacklists/blacklists/adult/domains."""
    parts = tuple(inside.split("/"))
    if _TOP in parts:
        parts = parts[parts.index(_TOP) + 1 :]
    elif len(parts) == 3:  # another name for the top folder
        parts = parts[1:]
    return parts if len(parts) in {1, 2} else ()


def _tree_of_folder(name: str, at: Path) -> _Tree:
    with damage_refused(at, f"list {name}"):
        top = at / _TOP if (at / _TOP).is_dir() else at
        if any(_LIST_FILE.fullmatch(path.name) for path in top.iterdir() if path.is_file()):
            return _Tree({top.name: _files(top)}, {}, None)
        entries = sorted(top.iterdir())
        folders = {path.name: _files(path) for path in entries if path.is_dir() and not path.is_symlink()}
        aliases = {path.name: path.readlink().name for path in entries if path.is_symlink()}
        usage = top / "global_usage"
        return _Tree(folders, aliases, usage if usage.is_file() else None)


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir() if _WANTED.fullmatch(path.name) and not path.is_symlink()}


def _white_folders(tree: _Tree, name: str) -> frozenset[str]:
    white = {folder for folder, files in tree.folders.items() if "usage" in files and _says_white(files["usage"], name)}
    if tree.global_usage:
        white |= _white_in_global_usage(_usage_lines(tree.global_usage, name))
    return frozenset(white & tree.folders.keys())


def _says_white(usage: Path, name: str) -> bool:
    return "white" in _usage_lines(usage, name)


def _white_in_global_usage(text: list[str]) -> set[str]:
    white, folder = set(), ""
    for line in text:
        key, _, value = (word.strip() for word in line.partition(":"))
        if key == "name":
            folder = value
        elif key == "default_type" and value == "white":
            white.add(folder)
    return white


def _usage_lines(path: Path, name: str) -> list[str]:
    with unpacked(path, f"list {name}: usage", _USAGE_CAP) as stream:
        text = [line.decode("utf-8", "replace").strip().lower() for line in lines(stream)]
    return [line for line in text if line and not line.startswith("#")]
