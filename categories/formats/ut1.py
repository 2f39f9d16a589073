"""`ut1`: the tree of the University of Toulouse, as squidGuard reads it: a folder a category, as folder or tar archive.

Read: `domains`, `urls` (also `.gz` and in parts, `domains.2`), `usage`, `global_usage`; `expressions` where the
settings say so, else they are counted as unsupported, and always those of white lists: what a word may allow, nobody
can foresee. Only folders that the settings map are used. Folders that the tree calls white ("do not block") are left
out unless the settings name them as white with an owner: a loader that blocks every folder blocks sexual education. A
folder that may be either (its own `usage` and `global_usage` together say so) is what the settings name it.

`domains.diff` is not read. squidGuard's documentation has it for a database that was built before ("+new", "-old");
its own build reads `domains` alone, and a publisher's `domains` holds the changes. An old one that was left lying would
take entries away again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from categories.entries import Covers
from categories.errors import ListRefused
from categories.formats import domains, expressions, urls
from categories.formats.entry import OpenedList, Part, UnsupportedLine, each_line
from categories.streams import Room, damage_refused, lines, unpacked
from categories.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from categories.formats.entry import LineParser, NumberedLines, ParsedLine
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
_LINKS_CAP = 5
_NAME_CAP = 80
_BLACK, _WHITE = "black", "white"


def _unsupported(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    return each_line(numbered_lines, lambda line, _: (UnsupportedLine(line),))


_PARSERS: Mapping[str, LineParser] = {
    "domains": domains.parse,
    "urls": urls.parse,
    "expressions": _unsupported,
    "very_restrictive_expression": _unsupported,
}
_EXPRESSIONS = frozenset({"expressions", "very_restrictive_expression"})


@dataclass(frozen=True, slots=True)
class _Tree:
    folders: Mapping[str, Mapping[str, Path]]  # "adult" -> "domains" -> where its bytes are
    aliases: Mapping[str, str]
    global_usage: Path | None

    def folder(self, name: str) -> str | None:
        """The real folder with a list in it behind a name or an alias; a link may lead to another link."""
        link = name
        for _ in range(_LINKS_CAP):
            link = self.aliases.get(link, link)
        known = (name, link, ALIASES.get(name, name))
        return next((each for each in known if any(map(_LIST_FILE.fullmatch, self.folders.get(each, ())))), None)


def open_list(source: ListSource, at: Path, scratch: Path) -> OpenedList:
    """Find the files of every mapped folder. Raises ListRefused when one is missing or white without an owner."""
    if not source.map and not source.white:
        raise ListRefused(f"list {source.name}: map names no folder of the list; say which of our categories each is")
    tree = _tree_of_folder(source.name, at) if at.is_dir() else _tree_of_archive(source.name, at, scratch)
    _check_names(tree, source.name)
    uses = _uses(tree, source.name)
    wanted = {name: category for name, category in source.map.items() if name not in source.white}
    black = [part for name, category in wanted.items() for part in _black_parts(tree, uses, source, name, category)]
    allowed = [part for name in source.white for part in _white_parts(tree, uses, source, name)]
    both = {part.path for part in black} & {part.path for part in allowed}
    if both:
        folder = next(part.file.partition("/")[0] for part in allowed if part.path in both)
        raise ListRefused(f"list {source.name}: {folder} is mapped and white at once, by two of its names; choose one")
    notes = (*_unused_white(tree, uses, source), *_twice_mapped(tree, wanted))
    return OpenedList(tuple(dict.fromkeys(black + allowed)), notes)


def _check_names(tree: _Tree, name: str) -> None:
    """Notes and records name folders, and a terminal obeys what ESC begins."""
    odd = next((each for each in tree.folders if not each.isprintable() or len(each) > _NAME_CAP), None)
    if odd is not None:
        raise ListRefused(f"list {name}: has a folder that no list needs: {odd[:_NAME_CAP]!a}; check where it is from")


def _unused_white(tree: _Tree, uses: Mapping[str, frozenset[str]], source: ListSource) -> Iterator[str]:
    named = {tree.folder(name) for name in source.white}
    for folder in sorted(uses):
        if uses[folder] == {_WHITE} and folder not in named:
            yield f"white list {folder} is not used: white has no owner for it"


def _twice_mapped(tree: _Tree, wanted: Mapping[str, str]) -> Iterator[str]:
    folders: dict[str, dict[str, str]] = {}
    for name, category in wanted.items():
        folders.setdefault(tree.folder(name) or "", {})[category] = name
    for folder, names in sorted(folders.items()):
        if len(names) > 1:
            every = ", ".join(f"{name}: {category}" for category, name in names.items())
            yield f"folder {folder} is mapped by several names ({every}) and gets each category; name it once"


def _black_parts(
    tree: _Tree, uses: Mapping[str, frozenset[str]], source: ListSource, name: str, category: str
) -> Iterator[Part]:
    folder = _existing(tree, source, name)
    if uses[folder] == {_WHITE}:
        raise ListRefused(f"list {source.name}: {name} is a white list by its own account; name it under white instead")
    yield from _parts(tree, source, folder, category, white=False)


def _white_parts(tree: _Tree, uses: Mapping[str, frozenset[str]], source: ListSource, name: str) -> Iterator[Part]:
    folder = _existing(tree, source, name)
    if _WHITE not in uses[folder]:
        raise ListRefused(f"list {source.name}: {name} is not a white list by its own account; take it out of white")
    if not source.white[name].strip():
        raise ListRefused(f"list {source.name}: white list {name} has no owner; name who answers for it")
    yield from _parts(tree, source, folder, source.map.get(name, name), white=True)


def _existing(tree: _Tree, source: ListSource, name: str) -> str:
    folder = tree.folder(name)
    if folder is None:
        raise ListRefused(f"list {source.name}: has no folder {name!a} with a list in it; check the name")
    return folder


def _parts(tree: _Tree, source: ListSource, folder: str, category: str, *, white: bool) -> Iterator[Part]:
    for file, path in sorted(tree.folders[folder].items()):
        if kind := _LIST_FILE.fullmatch(file):
            read = source.expressions and not white and kind[1] in _EXPRESSIONS
            parser = expressions.parse if read else _PARSERS[kind[1]]
            plain = Covers.DOMAIN if parser is domains.parse else None
            yield Part(f"{folder}/{file}", path, category, parser, white, in_one_piece=read, plain=plain)


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


def _uses(tree: _Tree, name: str) -> Mapping[str, frozenset[str]]:
    """What each folder may be used as, by its own usage and by global_usage; black where neither says anything."""
    said = {folder: set[str]() for folder in tree.folders}
    for folder, files in tree.folders.items():
        if "usage" in files:
            said[folder] |= {_BLACK, _WHITE}.intersection(_usage_lines(files["usage"], name))
    if tree.global_usage:
        for folder, use in _default_types(_usage_lines(tree.global_usage, name)):
            said.setdefault(folder, set()).add(use)
    return {folder: frozenset(uses or {_BLACK}) for folder, uses in said.items() if folder in tree.folders}


def _default_types(text: list[str]) -> Iterator[tuple[str, str]]:
    folder = ""
    for line in text:
        key, _, value = (word.strip() for word in line.partition(":"))
        if key == "name":
            folder = value
        elif key == "default_type" and value in {_BLACK, _WHITE}:
            yield folder, value


def _usage_lines(path: Path, name: str) -> list[str]:
    with unpacked(path, f"list {name}: usage", Room(_USAGE_CAP)) as stream:
        text = [line.decode("utf-8", "replace").strip().lower() for line in lines(stream)]
    return [line for line in text if line and not line.startswith("#")]
