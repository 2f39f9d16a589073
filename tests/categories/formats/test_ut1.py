from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from categories.blocks import one_piece
from categories.errors import ListRefused
from categories.formats import ut1
from categories.sources import ListSource
from tests.categories.archives import archive, member, tree
from tests.categories.golden_lists import GOLDEN, written

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


MAPPED = {"porn": "pornography", "bets": "gambling", "webmail": "webmail", "games": "games"}
WHITE = {"sexual_education": "Health Services"}


def every_line(found: OpenedList) -> list[str]:
    """What is made of every line of every part."""
    made = []
    for part in found.parts:
        where = f"{part.file}\t{part.category}{' (white)' if part.white else ''}"
        made += [f"{where}\t{written(parsed)}" for parsed in part.parse(one_piece(part.path, part.file))]
    return made


@pytest.mark.parametrize("name", ["ut1", "ut1.tar.gz"])
def test_golden_tree(tmp_path: Path, name: str) -> None:
    """As folder and as tar makes it: links, links to links, a stray copy, a diff, compressed files and parts."""
    found = opened(source(GOLDEN / name, MAPPED, WHITE), tmp_path)
    assert every_line(found) == (GOLDEN / "ut1.expected").read_text().splitlines()
    assert found.notes == ("white list liste_bu is not used: white has no owner for it",)


def test_a_folder_that_may_be_both_is_what_the_settings_name_it(tmp_path: Path) -> None:
    found = opened(source(GOLDEN / "ut1", {}, {"webmail": "Communications"}), tmp_path)
    assert shown(found) == [("webmail/domains", "webmail", True)]


USES = {
    "nothing said": ("", "", {"black"}),
    "black by its own usage": ("black\n", "", {"black"}),
    "white by its own usage": ("white\n", "", {"white"}),
    "both by its own usage": ("black\nwhite\n", "", {"black", "white"}),
    "white for all": ("", "NAME: a\nDEFAULT_TYPE: white\n", {"white"}),
    "white for all, black by its own": ("black\n", "NAME:\ta\nDEFAULT_TYPE:white\n", {"black", "white"}),
    "another folder": ("", "NAME: b\nDEFAULT_TYPE: white\n", {"black"}),
    "in a comment": ("# white\n", "#NAME: a\n#DEFAULT_TYPE: white\n", {"black"}),
    "in a description": ("whitewash\n", "NAME: a\nDESC EN: white\nDEFAULT_TYPE: black\n", {"black"}),
    "a use that is none": ("grey\n", "NAME: a\nDEFAULT_TYPE: grey\n", {"black"}),
    "no text": ("\0\xff\n", "NAME: a\0\nDEFAULT_TYPE\n:white\n", {"black"}),
}


@pytest.mark.parametrize(("own", "for_all", "expected"), USES.values(), ids=USES)
def test_what_a_folder_may_be_used_as(tmp_path: Path, own: str, for_all: str, expected: set[str]) -> None:
    at = tree(tmp_path / "ut1", {"a/domains": "a.test\n", "a/usage": own, "global_usage": for_all})
    as_black, as_white = source(at, {"a": "games"}), source(at, {}, {"a": "Somebody"})
    for use, made in (("black", as_black), ("white", as_white)):
        if use in expected:
            assert [part.white for part in opened(made, tmp_path).parts] == [use == "white"]
        else:
            with pytest.raises(ListRefused, match="white list by its own account"):
                opened(made, tmp_path)


def test_one_folder_under_two_names_gets_both_categories_and_says_so(tmp_path: Path) -> None:
    found = opened(source(GOLDEN / "ut1", {"porn": "pornography", "adult": "obscene"}), tmp_path)
    assert {part.category for part in found.parts if part.file == "adult/domains"} == {"pornography", "obscene"}
    assert any(note.startswith("folder adult is mapped by several names (porn: pornography,") for note in found.notes)


def test_one_folder_is_not_black_and_white_at_once(tmp_path: Path) -> None:
    at = tree(tmp_path / "ut1", {"webmail/domains": "a.test\n", "webmail/usage": "black\nwhite\n"})
    (at / "mail").symlink_to("webmail")
    with pytest.raises(ListRefused, match="webmail is mapped and white at once, by two of its names; choose one"):
        opened(source(at, {"mail": "webmail"}, {"webmail": "Somebody"}), tmp_path)


@pytest.mark.parametrize("files", [{"domains.diff": "+a.test\n"}, {"usage": "black\n"}], ids=["diff", "usage"])
def test_a_folder_without_a_list_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    at = tree(tmp_path / "ut1", {f"adult/{name}": text for name, text in files.items()} | {"games/domains": "a.test\n"})
    with pytest.raises(ListRefused, match="has no folder 'adult' with a list in it; check the name"):
        opened(source(at, {"adult": "pornography"}), tmp_path)


@pytest.mark.parametrize("links", [{"a": "b", "b": "a"}, {"a": "a"}, {"a": "none"}, {"a": ".."}, {"a": "/etc"}])
def test_links_that_lead_nowhere_end(tmp_path: Path, links: dict[str, str]) -> None:
    at = tree(tmp_path / "ut1", {"games/domains": "a.test\n"})
    for name, target in links.items():
        (at / name).symlink_to(target)
    with pytest.raises(ListRefused, match="has no folder 'a'"):
        opened(source(at, {"a": "games"}), tmp_path)


names = st.sampled_from(["adult", "porn", "games", "blacklists", "x", "global_usage"])
files_ = st.sampled_from(["domains", "urls", "domains.2", "domains.gz", "usage", "domains.diff", "README"])
texts = st.one_of(
    st.lists(st.sampled_from(["a.test", "b.test/x", "co.uk", "white", "black", "NAME: adult", "DEFAULT_TYPE: white"]))
    .map("\n".join)
    .map(str.encode),
    st.binary(max_size=30),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.tuples(names, files_).map("/".join), texts, max_size=6), st.sampled_from(["adult", "porn"]))
def test_a_folder_and_its_archive_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes], name: str
) -> None:
    folder = tmp_path_factory.mktemp("ut1")
    for inside, data in members.items():
        (folder / "blacklists" / inside).parent.mkdir(parents=True, exist_ok=True)
        (folder / "blacklists" / inside).write_bytes(data)
    packed = archive(
        folder / "a.tar", *(member(f"blacklists/{inside}", data) for inside, data in members.items()), mode="w"
    )
    found = [read_or_refused(source(at, {name: "games"}), folder) for at in (folder, packed)]
    assert found[0] == found[1]


def read_or_refused(made: ListSource, folder: Path) -> list[str] | str:
    try:
        return every_line(opened(made, folder))
    except ListRefused as refusal:
        return type(refusal).__name__


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a" * 81, "a\u202eb"])
@pytest.mark.parametrize("packed", [True, False], ids=["archive", "folder"])
def test_a_folder_whose_name_a_terminal_would_obey_refuses_the_list(tmp_path: Path, packed: bool, name: str) -> None:
    files = {"adult/domains": "a.test\n", f"{name}/domains": "b.test\n", f"{name}/usage": "white\n"}
    members = [member(f"blacklists/{inside}", text.encode()) for inside, text in files.items()]
    at = archive(tmp_path / "ut1.tar.gz", *members) if packed else tree(tmp_path / "ut1", files)
    with pytest.raises(ListRefused, match="has a folder that no list needs") as refusal:
        opened(source(at, {"adult": "pornography"}), tmp_path)
    assert str(refusal.value).isprintable()
