from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from categories.act import Act
from categories.errors import FloorRefused, ListRefused, ListUnreachable
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import compile_generation, compiled, current, fits, update
from tests.categories.archives import archive, member, tree
from tests.categories.server import Answer, body, serving

HUNDRED = "".join(f"host{number}.test\n" for number in range(100))


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    return tmp_path / "state" / "lists"


def domains(path: Path, text: str | bytes, category: str = "pornography", name: str = "mine") -> ListSource:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return ListSource(name, "domains", path=path, category=category)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_first_compile_of_the_starter_lists_alone(lists: Path) -> None:
    generation = compile_generation((), lists)
    assert current(lists) == generation.folder
    assert generation.exit_code == 0
    assert lists.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in generation.folder.iterdir() if path.is_file()} == {0o400}


def test_an_update_downloads_compiles_and_swaps(lists: Path, tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz", member("blacklists/adult/domains", HUNDRED.encode())).read_bytes()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    steps: list[str] = []
    with serving({"/ut1": body(packed), "/mine": body(b"casino.test\n")}) as url:
        sources = (
            ListSource("ut1", "ut1", url=f"{url}/ut1", map={"adult": "pornography"}),
            ListSource("mine", "domains", url=f"{url}/mine", category="gambling"),
        )
        with pytest.raises(FloorRefused, match="never downloaded"):
            compile_generation(sources, lists)
        outcome = update(sources, lists, Act(progress=lambda what, done, total: steps.append(what)))
    generation = outcome.generation
    assert generation.counts["pornography"]["ut1"] == 100
    assert CategoryIndex.open(current(lists)).lookup("casino.test")[0].list == "mine"
    assert {"ut1 (download)", "ut1", "mine", "index"} <= set(steps)
    assert sorted(path.name for path in (lists / "downloads").iterdir()) == ["mine", "mine.json", "ut1", "ut1.json"]
    assert outcome.downloads == (f"list ut1: {len(packed)} bytes, of {today}", f"list mine: 12 bytes, of {today}")
    again = compile_generation(sources, lists)  # from the downloads, the server is gone
    assert again.counts == generation.counts
    assert again.id > generation.id


REFUSED: dict[str, str | bytes | None] = {
    "empty": "",
    "comments alone": "# nothing\n",
    "shrunk by 21 %": "".join(HUNDRED.splitlines(keepends=True)[:79]),
    "shrunk behind duplicates": "host1.test\n" * 500,
    "missing": None,
    "binary": bytes(range(256)) * 64,
    "two lines in a hundred are no entries": HUNDRED * 5 + "*\n" * 11,
    "a web page": "<html>" + HUNDRED,
    "truncated gzip": gzip.compress(HUNDRED.encode())[:-20],
    "a public suffix alone": "co.uk\n",
    "UTF-16": HUNDRED.encode("utf-16"),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_bad_floor_list_keeps_the_old_generation(lists: Path, tmp_path: Path, data: str | bytes | None) -> None:
    good = compile_generation((domains(tmp_path / "mine", HUNDRED),), lists)
    before = everything_in(lists)
    source = domains(tmp_path / "mine", data or "")
    if data is None:
        (tmp_path / "mine").unlink()
    with pytest.raises(FloorRefused) as refusal:
        compile_generation((source,), lists)
    assert refusal.value.exit_code == 4
    assert "\n" not in str(refusal.value)
    assert "mine" in str(refusal.value)
    assert everything_in(lists) == before
    assert current(lists) == good.folder


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_and_never_waited_for(lists: Path, tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "mine"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(FloorRefused, match=r"regular file|directory"):
        compile_generation((ListSource("mine", "domains", path=path, category="pornography"),), lists)


def test_a_floor_list_may_lose_a_fifth(lists: Path, tmp_path: Path) -> None:
    compile_generation((domains(tmp_path / "mine", HUNDRED),), lists)
    eighty = "".join(HUNDRED.splitlines(keepends=True)[:80])
    assert compile_generation((domains(tmp_path / "mine", eighty),), lists).counts["pornography"]["mine"] == 80


def test_a_damaged_generation_in_force_does_not_hide_a_shrunk_floor(lists: Path, tmp_path: Path) -> None:
    compile_generation((domains(tmp_path / "mine", HUNDRED),), lists)
    newest = compile_generation((domains(tmp_path / "mine", HUNDRED),), lists)
    (newest.folder / "meta.json").unlink()
    with pytest.raises(FloorRefused, match="shrink"):
        compile_generation((domains(tmp_path / "mine", "one.test\n"),), lists)


@pytest.mark.parametrize("answer", [body(b"", 500), body(b"<html>", 200)], ids=["500", "web page"])
def test_a_list_that_cannot_be_had_stays_and_does_not_keep_the_others(lists: Path, answer: Answer) -> None:
    answers = {"/mine": body(HUNDRED.encode()), "/other": body(b"casino.test\n")}
    with serving(answers) as url:
        sources = (
            ListSource("mine", "domains", url=f"{url}/mine", category="pornography"),
            ListSource("other", "domains", url=f"{url}/other", category="gambling"),
        )
        update(sources, lists)
        for bad, good, host in (("/other", "/mine", "new.test"), ("/mine", "/other", "poker.test")):
            was = answers[bad]
            answers[bad] = answer
            answers[good] = body((HUNDRED if good == "/mine" else "casino.test\n").encode() + f"{host}\n".encode())
            outcome = update(sources, lists)
            assert [str(problem).startswith(f"list {bad[1:]}: ") for problem in outcome.failed] == [True]
            index = CategoryIndex.open(current(lists))
            assert [bool(index.lookup(each)) for each in (host, "host7.test", "casino.test")] == [True] * 3
            answers[bad] = was
        before = everything_in(lists)
        answers["/mine"] = answers["/other"] = answer
        with pytest.raises((ListUnreachable, ListRefused)):
            update(sources, lists)
        assert everything_in(lists) == before


def test_a_new_list_that_cannot_be_had_refuses_the_update(lists: Path) -> None:
    with serving({"/mine": body(HUNDRED.encode())}) as url:
        sources = (
            ListSource("mine", "domains", url=f"{url}/mine", category="pornography"),
            ListSource("other", "domains", url=f"{url}/other", category="gambling"),
        )
        with pytest.raises(ListUnreachable, match="list other: "):
            update(sources, lists)
    assert not (lists / "current").exists()


def test_rejected_lines_are_a_finding_with_file_and_line(lists: Path, tmp_path: Path) -> None:
    generation = compile_generation((domains(tmp_path / "mine", HUNDRED + "co.uk\n"),), lists)
    assert generation.exit_code == 1
    assert generation.lists[1].rejected == 1
    assert generation.lists[1].examples[0].startswith("mine:101: a public suffix")


def test_expressions_are_counted_as_unsupported(lists: Path, tmp_path: Path) -> None:
    at = tree(tmp_path / "ut1", {"games/domains": "game.test\n", "games/expressions": "(a|b)\n\n# c\n(d)\n"})
    generation = compile_generation((ListSource("ut1", "ut1", path=at, map={"games": "games"}),), lists)
    assert generation.lists[1].unsupported == 2


def test_a_child_abuse_list_that_others_can_read_is_refused(lists: Path, tmp_path: Path) -> None:
    source = domains(tmp_path / "licensed", "secret-host.test\n*\n", "child-abuse", "licensed")
    (tmp_path / "licensed").chmod(0o640)
    with pytest.raises(FloorRefused, match="can be read by others"):
        compile_generation((source,), lists)
    (tmp_path / "licensed").chmod(0o600)
    generation = compile_generation((source,), lists)
    assert generation.counts["child-abuse"]["licensed"] == 1


def test_errors_in_a_child_abuse_list_name_no_line(lists: Path, tmp_path: Path) -> None:
    source = domains(tmp_path / "licensed", "secret-host.test extra\n" * 50, "child-abuse", "licensed")
    with pytest.raises(FloorRefused) as refusal:
        compile_generation((source,), lists)
    assert "secret" not in str(refusal.value)
    assert "50 of 50" in str(refusal.value)


def test_lists_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ListRefused, match="cannot write"):
        compile_generation((), tmp_path / "state" / "lists")


def test_a_full_disk_keeps_the_old_generation(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_generation((), lists)
    before = everything_in(lists)

    def full(self: Path, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ListRefused, match="No space left"):
        compile_generation((), lists)
    assert everything_in(lists) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from categories.act import Act
from categories.update import compile_generation
def progress(what, done, total):
    if what == "index" and done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
compile_generation((), Path(sys.argv[1]), Act(progress=progress))
"""


@pytest.mark.parametrize("step", ["0", "1", "2"])
def test_a_killed_compile_leaves_the_old_generation_and_the_next_one_cleans_up(lists: Path, step: str) -> None:
    old = compile_generation((), lists)
    done = subprocess.run([sys.executable, "-c", KILLED, str(lists), step], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert current(lists) == old.folder
    assert CategoryIndex.open(current(lists)).lookup("pornography.test")
    compile_generation((), lists)
    assert not [path.name for path in lists.rglob(".unfinished*")]


class Refused(Exception):
    """What the block around a new generation may raise."""


def test_a_generation_is_in_force_only_after_its_block(lists: Path, tmp_path: Path) -> None:
    old = compile_generation((), lists)
    with compiled((domains(tmp_path / "mine", HUNDRED),), lists) as generation:
        assert current(lists) == old.folder
        CategoryIndex.open(generation.folder).close()
    assert current(lists) == generation.folder


def test_a_block_that_fails_leaves_no_trace_of_its_generation(lists: Path, tmp_path: Path) -> None:
    with serving({"/mine": body(HUNDRED.encode())}) as url:
        source = ListSource("mine", "domains", url=f"{url}/mine", category="pornography")
        update((source,), lists)
        before = everything_in(lists)
        for make, sources in ((compiled, (source,)), (compiled, (domains(tmp_path / "mine", HUNDRED),))):
            with pytest.raises(Refused), make(sources, lists):
                raise Refused
            assert everything_in(lists) == before


def test_an_index_fits_the_sources_it_was_made_from_alone(lists: Path, tmp_path: Path) -> None:
    source = domains(tmp_path / "mine", HUNDRED)
    index = CategoryIndex.open(compile_generation((source,), lists).folder)
    assert fits(index, (source,))
    assert not fits(index, ())
    assert not fits(index, (replace(source, category="gambling"),))


def test_the_checksum_of_a_local_list_is_checked_when_it_is_compiled(lists: Path, tmp_path: Path) -> None:
    right = f"sha256:{hashlib.sha256(HUNDRED.encode()).hexdigest()}"
    source = replace(domains(tmp_path / "mine", HUNDRED), checksum=right)
    compile_generation((source,), lists)
    with pytest.raises(FloorRefused, match="its checksum is not the one"):
        compile_generation((domains(tmp_path / "mine", HUNDRED + "a.test\n") and source,), lists)
