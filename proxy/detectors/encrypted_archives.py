"""Archives that nobody can look into, where the district refuses them (`downloads.encrypted_archives`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_ENCRYPTED = Match("bypass.encrypted-archive", reasons.title_of("bypass.encrypted-archive"))

_RAR4, _RAR5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"

#: RAR 4: what the archive's own head says of all that follows it, and a file's head of the file.
_ALL_ENCRYPTED, _FILE_ENCRYPTED = 0x0080, 0x0004
_ARCHIVE_HEAD, _FILE_HEAD = 0x73, 0x74

#: RAR 5: the block that stands first where names are encrypted as well.
_ENCRYPTION_HEAD = 4


def encrypted_archive(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise an encrypted ZIP by its entries, a RAR by its heads. A 7z says it at its end, where nobody waits."""
    answer = facts.answer
    if answer is None or not snapshot.downloads.blocks_encrypted_archives:
        return None
    if answer.kind is Kind.ZIP:
        return _ENCRYPTED if "zip-encrypted" in answer.marks else None
    return _ENCRYPTED if answer.kind is Kind.RAR and is_encrypted_rar(answer.data) else None


def is_encrypted_rar(data: bytes) -> bool:
    """Say whether a RAR, of which this is the beginning, is encrypted for sure."""
    if data.startswith(_RAR5):
        return _rar5(data[len(_RAR5) :])
    if not data.startswith(_RAR4):
        return False
    head = data[len(_RAR4) :]
    if len(head) < 13 or head[2] != _ARCHIVE_HEAD:
        return False
    if int.from_bytes(head[3:5], "little") & _ALL_ENCRYPTED:
        return True
    first = head[int.from_bytes(head[5:7], "little") :]
    return len(first) >= 5 and first[2] == _FILE_HEAD and bool(int.from_bytes(first[3:5], "little") & _FILE_ENCRYPTED)


def _rar5(head: bytes) -> bool:
    """A block is: CRC (4 bytes), size (a number of 7 bits a byte), type."""
    at = 4
    while at < min(len(head), 7) and head[at] & 0x80:
        at += 1
    return len(head) > at + 1 and head[at + 1] == _ENCRYPTION_HEAD
