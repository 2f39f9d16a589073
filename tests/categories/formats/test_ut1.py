from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

import pytest

from categories.errors import ListRefused
from categories.formats import ut1
from categories.sources import ListSource
from tests.categories.archives import archive, member, tree

if TYPE_CHECKING:
    from pathlib import Path

    from categories.formats.entry import OpenedList

FILES = {
    "adult/domains": "blocked.test\n",
    "adult/urls": "mixed.test/bad\n",
    "adult/expressions": "(porn|sex)\n",
    "adult/usage": "# comment\nblack\n",
    "adult/domains.diff": "+new.test\n",
    "gambling/domains": "casino.test\n",
    "sexual_education/domains": "health.test\n",
    "sexual_education/usage": "white\nsexual_education\n",
    "liste_bu/domains": "library.test\n",
    "global_usage": "NAME: adult\nDEFAULT_TYPE: black\nNAME: liste_bu\nNAME fr: bu\nDEFAULT_TYPE: white\n",
    "README": "adult\n",
}


def source(at: Path, categories: dict[str, str], white: dict[str, str] | None = None) -> ListSource:
    return ListSource("ut1", "ut1", path=at, map=categories, white=white or {})


def as_archive(folder: Path) -> Path:
    members = [member(f"blacklists/{name}", text.encode()) for name, text in FILES.items()]
    return archive(folder / "ut1.tar.gz", *members)


def opened(made: ListSource, tmp_path: Path) -> OpenedList:
    assert made.path is not None
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return ut1.open_list(made, made.path, tmp_path / "scratch")


def shown(found: OpenedList) -> list[tuple[str, str, bool]]:
    return [(part.file, part.category, part.white) for part in found.parts]


@pytest.mark.parametrize("packed", [True, False], ids=["archive", "folder"])
def test_only_mapped_folders_are_used_and_white_ones_are_noted(tmp_path: Path, packed: bool) -> None:
    at = as_archive(tmp_path) if packed else tree(tmp_path / "ut1", FILES)
    found = opened(source(at, {"adult": "pornography"}), tmp_path)
    assert shown(found) == [
        ("adult/domains", "pornography", False),
        ("adult/expressions", "pornography", False),
        ("adult/urls", "pornography", False),
    ]
    assert len(found.notes) == 2
    assert all("is not used" in note for note in found.notes)


def test_a_white_list_needs_its_name_and_an_owner(tmp_path: Path) -> None:
    at = as_archive(tmp_path)
    found = opened(source(at, {"adult": "pornography"}, {"sexual_education": "Health Services"}), tmp_path)
    assert ("sexual_education/domains", "sexual_education", True) in shown(found)
    assert [note.split()[2] for note in found.notes] == ["liste_bu"]


@pytest.mark.parametrize(
    ("categories", "white", "words"),
    [
        ({"sexual_education": "harmful-to-minors"}, {}, "white list by its own account"),
        ({"liste_bu": "health"}, {}, "white list by its own account"),
        ({}, {"sexual_education": " "}, "has no owner"),
        ({}, {"adult": "Somebody"}, "not a white list by its own account"),
        ({"adlut": "pornography"}, {}, "has no folder 'adlut'"),
        ({"../adult": "pornography"}, {}, "has no folder"),
        ({}, {}, "map names no folder"),
    ],
)
def test_what_the_map_may_not_say(
    tmp_path: Path, categories: dict[str, str], white: dict[str, str], words: str
) -> None:
    with pytest.raises(ListRefused, match=words):
        opened(source(as_archive(tmp_path), categories, white), tmp_path)


def test_aliases_lead_to_the_real_folder_as_link_or_by_name(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar.gz",
        member("blacklists/adult/domains", b"blocked.test\n"),
        member("blacklists/gambling/domains", b"casino.test\n"),
        member("blacklists/arjel", type=tarfile.SYMTYPE, linkname="./gambling"),
    )
    found = opened(source(path, {"porn": "pornography", "adult": "pornography", "arjel": "gambling"}), tmp_path)
    assert shown(found) == [("adult/domains", "pornography", False), ("gambling/domains", "gambling", False)]


def test_a_stray_copy_inside_the_archive_does_not_count(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar.gz",
        member("mirror-main/blacklists/blacklists/adult/domains", b"stray.test\n"),
        member("mirror-main/blacklists/adult/domains", b"blocked.test\n"),
    )
    found = opened(source(path, {"adult": "pornography"}), tmp_path)
    assert [part.path.read_bytes() for part in found.parts] == [b"blocked.test\n"]


def test_parts_and_compressed_parts_are_read(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar",
        member("adult/domains.gz", gzip.compress(b"one.test\n")),
        member("adult/domains.2", b"two.test\n"),
        mode="w",
    )
    found = opened(source(path, {"adult": "pornography"}), tmp_path)
    assert [part.file for part in found.parts] == ["adult/domains.2", "adult/domains.gz"]


def test_a_folder_of_one_category(tmp_path: Path) -> None:
    at = tree(tmp_path, {"adult/domains": "blocked.test\n"}) / "adult"
    assert shown(opened(source(at, {"adult": "pornography"}), tmp_path)) == [("adult/domains", "pornography", False)]


def test_links_in_a_folder_never_lead_out_of_it(tmp_path: Path) -> None:
    secret = tree(tmp_path / "secret", {"adult/domains": "secret.test\n"})
    at = tree(tmp_path / "ut1", {"gambling/domains": "casino.test\n"})
    (at / "adult").symlink_to(secret / "adult")
    (at / "gambling" / "urls").symlink_to(secret / "adult" / "domains")
    with pytest.raises(ListRefused, match="has no folder"):
        opened(source(at, {"adult": "pornography"}), tmp_path)
    assert shown(opened(source(at, {"gambling": "gambling"}), tmp_path)) == [("gambling/domains", "gambling", False)]
