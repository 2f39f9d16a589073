import errno
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.revision_files import Entry, RevisionFiles, RevisionNotWritten, RevisionTampered, RevisionUnreadable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def entry(number: int, text: str = "a: 1\n", previous: str = "") -> Entry:
    return Entry(number, "ann", "why", NOW, Path("/etc"), "/etc/d.yaml", text, previous).sealed()


@pytest.fixture
def files(tmp_path: Path) -> RevisionFiles:
    files = RevisionFiles(tmp_path / "state")
    with files.locked():
        files.write(entry(1))
    return files


def test_what_is_written_is_read(files: RevisionFiles) -> None:
    assert (files.number(), files.highest()) == (1, 1)
    assert files.read(1) == entry(1)


def test_nobody_else_may_read_it(files: RevisionFiles) -> None:
    paths = [files.folder.parent, *files.folder.parent.rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {
        "state": 0o700, "config": 0o700, "revisions": 0o700, "lock": 0o600, "current": 0o600,
        "000001.yaml": 0o600, "000001.json": 0o600,
    }  # fmt: skip


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize(
    "how", [Killed(), OSError(errno.ENOSPC, "No space left on device")], ids=["killed", "disk full"]
)
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_crash_at_any_step_leaves_the_old_revision(
    files: RevisionFiles, monkeypatch: pytest.MonkeyPatch, step: int, how: BaseException, call: str
) -> None:
    left = iter(range(step + 1))
    where, real = (Path, Path.replace) if call == "replace" else (os, os.fsync)

    def stopping(*given: object) -> object:
        if next(left, None) == step:
            raise how
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(where, call, stopping)
        with files.locked(), pytest.raises(Killed if isinstance(how, Killed) else RevisionNotWritten):
            files.write(entry(2, "b: 2\n"))
    assert files.number() == 1
    assert files.read(1) == entry(1)
    with files.locked():
        files.write(entry(2, "c: 3\n"))
    assert (files.number(), files.read(2).text) == (2, "c: 3\n")
    assert not list(files.folder.rglob("*.new"))


def test_a_disk_that_fails_after_the_switch_is_told_as_such(
    files: RevisionFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter([None, None, None, None, OSError(errno.EIO, "Input/output error")])

    def failing_last(_: int) -> None:
        error = next(calls)
        if error:
            raise error

    monkeypatch.setattr(os, "fsync", failing_last)
    with files.locked(), pytest.raises(RevisionNotWritten, match="revision 2 is in force"):
        files.write(entry(2))
    assert files.number() == 2


def test_a_full_disk_is_told_on_one_line(files: RevisionFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with files.locked(), pytest.raises(RevisionNotWritten, match="No space left on device; nothing was changed"):
        files.write(entry(2))


TAMPERED = [
    ("the text", "revisions/000001.yaml", b"a: 2\n"),
    ("one byte more", "revisions/000001.yaml", b"a: 1\n\n"),
    ("no text any more", "revisions/000001.yaml", None),
    ("text that is no UTF-8", "revisions/000001.yaml", b"\xff"),
    ("no JSON", "revisions/000001.json", b"{"),
    ("JSON too deep", "revisions/000001.json", b"[" * 60_000),
    ("not an object", "revisions/000001.json", b"[]"),
    ("number and digest of another", "revisions/000001.json", b'{"revision": 2}'),
]


@pytest.mark.parametrize(("name", "data"), [row[1:] for row in TAMPERED], ids=[row[0] for row in TAMPERED])
def test_a_changed_file_is_refused(files: RevisionFiles, name: str, data: bytes | None) -> None:
    path = files.folder / name
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(RevisionTampered):
        files.read(1)


@pytest.mark.parametrize("key", ["author", "reason", "time", "base", "source", "previous", "revision", "digest"])
def test_every_word_about_a_revision_is_covered(files: RevisionFiles, key: str) -> None:
    path = files.folder / "revisions" / "000001.json"
    about = json.loads(path.read_text())
    about[key] = {"time": "2020-01-01T00:00:00+00:00", "revision": 7}.get(key, "other")
    path.write_text(json.dumps(about))
    with pytest.raises(RevisionTampered, match="000001"):
        files.read(1)


@pytest.mark.parametrize("data", [b"", b"x", b"2", b"0", b"-1", b"1 1", b"../1", b"\xff", b"9" * 40])
def test_a_broken_current_is_refused(files: RevisionFiles, data: bytes) -> None:
    (files.folder / "current").write_bytes(data)
    with pytest.raises(RevisionTampered, match="current"):
        files.number()


def test_a_removed_current_is_no_first_start(files: RevisionFiles) -> None:
    with files.locked():
        files.write(entry(2))
    (files.folder / "current").unlink()
    with pytest.raises(RevisionTampered, match="is gone"):
        files.number()


def test_a_folder_in_the_way_is_unreadable(files: RevisionFiles) -> None:
    (files.folder / "current").unlink()
    (files.folder / "current").mkdir()
    with pytest.raises(RevisionUnreadable, match="Is a directory"):
        files.number()


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RevisionNotWritten, match="nothing was changed"),
        RevisionFiles(tmp_path / "file" / "x").locked(),
    ):
        pass


def test_a_second_writer_waits_and_gives_up(files: RevisionFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.revision_files._LOCK_SECONDS", 0.1)
    with (
        files.locked(),
        pytest.raises(RevisionNotWritten, match="another apply"),
        RevisionFiles(files.folder.parent).locked(),
    ):
        pass
    with files.locked():
        assert files.number() == 1


def test_a_link_in_place_of_the_draft_is_not_followed(files: RevisionFiles, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (files.folder / "revisions" / ".000002.yaml.new").symlink_to(tmp_path / "precious")
    with files.locked(), pytest.raises(RevisionNotWritten):
        files.write(entry(2))
    assert (tmp_path / "precious").read_text() == "mine"
    assert files.number() == 1
