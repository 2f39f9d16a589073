"""The categories: their names, the basis on which each may be blocked, and how far a district may relax it.

DESIGN.md, "Categories". There is no category for sexuality, unions, religion or politics, and none may be added
under those names: a viewpoint-skewed list was enjoined in PFLAG v. Camdenton, 853 F. Supp. 2d 888 (W.D. Mo. 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """On whose word a category is blocked. Never say that the law requires what the district chose."""

    FEDERAL_LAW = "federal law"
    BOARD_POLICY = "board policy"
    DISTRICT_POLICY = "district policy"


class Lock(StrEnum):
    """How far settings may change what a category does."""

    FLOOR = "floor"  # blocked for everyone, always
    RELAXABLE = "relaxable"  # blocked; may be relaxed for named groups, never for all
    BLOCKED = "blocked"  # blocked unless set otherwise
    ALLOWED = "allowed"  # allowed and recorded unless set otherwise


@dataclass(frozen=True, slots=True)
class Category:
    """A class of content. `title` completes the sentence "listed as …"."""

    id: str
    title: str
    basis: Basis
    lock: Lock


def _category(id_: str, title: str, lock: Lock, basis: Basis = Basis.DISTRICT_POLICY) -> Category:
    return Category(id_, title, basis, lock)


CATEGORIES: tuple[Category, ...] = (
    _category("obscene", "obscene", Lock.FLOOR, Basis.FEDERAL_LAW),
    _category("child-abuse", "child sexual abuse material", Lock.FLOOR, Basis.FEDERAL_LAW),
    _category("pornography", "pornography", Lock.FLOOR, Basis.BOARD_POLICY),
    _category("harmful-to-minors", "harmful to minors", Lock.FLOOR, Basis.BOARD_POLICY),
    _category("vpn", "VPN service", Lock.RELAXABLE),
    _category("web-proxy", "web proxy", Lock.RELAXABLE),
    _category("encrypted-dns", "encrypted DNS resolver", Lock.RELAXABLE),
    _category("tor", "Tor", Lock.RELAXABLE),
    _category("tunnel-host", "tunnel service", Lock.RELAXABLE),
    _category("p2p", "peer-to-peer file sharing", Lock.RELAXABLE),
    _category("malware", "malware", Lock.BLOCKED),
    _category("phishing", "phishing", Lock.BLOCKED),
    _category("cryptojacking", "cryptojacking", Lock.BLOCKED),
    _category("stalkerware", "stalkerware", Lock.BLOCKED),
    _category("hacking", "hacking tools", Lock.BLOCKED),
    _category("hate-and-threats", "hate and threats", Lock.BLOCKED),
    _category("social-media", "social media", Lock.BLOCKED),
    _category("file-hosting", "file hosting", Lock.BLOCKED),
    _category("mixed-adult", "partly adult content", Lock.ALLOWED),
    _category("gambling", "gambling", Lock.ALLOWED),
    _category("drugs", "drugs", Lock.ALLOWED),
    _category("weapons", "weapons", Lock.ALLOWED),
    _category("dating", "dating", Lock.ALLOWED),
    _category("games", "games", Lock.ALLOWED),
    _category("shopping", "shopping", Lock.ALLOWED),
    _category("streaming", "streaming", Lock.ALLOWED),
    _category("webmail", "webmail", Lock.ALLOWED),
    _category("remote-control", "remote control", Lock.ALLOWED),
    _category("warez", "pirated software", Lock.ALLOWED),
    _category("ads", "advertising", Lock.ALLOWED),
    _category("finance", "banking and finance", Lock.ALLOWED),
    _category("health", "health", Lock.ALLOWED),
    _category("legal", "legal services", Lock.ALLOWED),
)

#: The one floor category that nobody can unblock, and whose lists are secret.
CHILD_ABUSE = "child-abuse"

TAXONOMY: dict[str, Category] = {category.id: category for category in CATEGORIES}
FLOOR: frozenset[str] = frozenset(c.id for c in CATEGORIES if c.lock is Lock.FLOOR)
RELAXABLE: frozenset[str] = frozenset(c.id for c in CATEGORIES if c.lock is Lock.RELAXABLE)
