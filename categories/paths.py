"""One spelling for a path, so that a list entry cannot be passed by writing the same path differently.

What an attacker can vary without the origin noticing, and what becomes of it here:

- dot segments, plain or as `%2e`, and backslashes: resolved as the WHATWG URL standard does;
- `//`: one slash, as most servers merge them;
- percent-encoding of unreserved characters (RFC 3986, 6.2.2.2) and the case of its hexadecimal digits: decoded once
  (`%2541` stays `%2541`, a stray `%` becomes `%25`), upper case;
- `%2F`, `%5C` and `;parameters`: some servers read them as slashes or drop them, others do not. `path_readings` gives
  both readings: a block has to hold when one of them matches, an unblock only when all of them do;
- `..` beside one of those: servers disagree about where it leads. A browser never sends it; it is malformed.

The case of letters is kept: most origins tell it apart. The index folds it on its own (categories.index).
"""

from __future__ import annotations

import posixpath
import re

#: Longest path and longest query kept, in characters. Prefix entries are far shorter.
PATH_CAP = 4096

_SLASHES = re.compile(r"[/\\]+")
#: All but most of those that stay as they are: passing them by takes a tenth of the time.
_TRIPLET = re.compile(r"%(?![0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F])([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PARENT = re.compile(r"(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?=$|[/\\;]|%2f|%5c)", re.IGNORECASE)
_DISPUTED = re.compile(r"[/\\]{2}|;|%2f|%5c", re.IGNORECASE)
_ENCODED_SLASH = re.compile(r"%(?:2F|5C)")
_PARAMETERS = re.compile(r";[^/]*")


def is_ambiguous(raw: str) -> bool:
    """True when origins would disagree about where `..` in this raw path leads (RFC 3986 5.2.4, nginx, Tomcat)."""
    return ".." in raw.replace("%2e", ".").replace("%2E", ".") and bool(_PARENT.search(raw) and _DISPUTED.search(raw))


def merge_slashes(raw: str) -> str:
    """Runs of slashes and backslashes as one slash."""
    return _SLASHES.sub("/", raw)


def decode_unreserved(text: str) -> str:
    """Percent-encoding only where it means something, in upper case. Idempotent."""
    return _TRIPLET.sub(_decoded, text) if "%" in text else text


def _decoded(triplet: re.Match[str]) -> str:
    if triplet[1] is None:  # a stray %: "%%34%31" must not become "%41", which would be decoded again
        return "%25"
    byte = int(triplet[1], 16)
    return chr(byte) if byte in _UNRESERVED else triplet[0].upper()


def capped(text: str) -> str:
    """At most PATH_CAP characters, not cut inside a triplet or so that a new dot segment appears."""
    if len(text) <= PATH_CAP:
        return text
    cut = re.sub(r"%[0-9A-F]?$", "", text[:PATH_CAP])
    return re.sub(r"/\.{1,2}$", "/", cut)


def path_readings(path: str) -> tuple[str, ...]:
    """Every way an origin may read a canonical path, the usual one first; nearly always just that one."""
    if not (";" in path or "%2F" in path or "%5C" in path):
        return (path,)
    decoded = merge_slashes(_PARAMETERS.sub("", _ENCODED_SLASH.sub("/", path)))
    other = posixpath.normpath(decoded)
    if decoded.endswith(("/", "/.", "/..")) and other != "/":  # normpath takes the slash of a folder away
        other += "/"
    return (path,) if other == path else (path, other)
