"""Files with secrets: who may read them, and that nobody ever sees half of one."""

from __future__ import annotations

import os
import threading

import pytest

from proxy.private_file import NotPrivate, create_private, locked, private_folder, read_private, write_private


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_may_touch_is_refused_with_the_command_to_run(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(NotPrivate, match=f"chmod 600 {path}"):
        read_private(path, 10)


def test_a_link_is_not_followed(tmp_path):
    write_private(tmp_path / "real", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotPrivate, match="symbolic link"):
        read_private(tmp_path / "link", 10)


def test_a_pipe_in_the_place_of_the_file_does_not_hang_the_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(NotPrivate, match="not a regular file"):
        read_private(tmp_path / "pipe", 10)


def test_a_file_over_the_cap_is_refused(tmp_path):
    write_private(tmp_path / "big", b"x" * 11)
    with pytest.raises(NotPrivate, match="larger than 10 bytes"):
        read_private(tmp_path / "big", 10)


def test_a_foreign_owner_is_refused(tmp_path, monkeypatch):
    write_private(tmp_path / "file", b"x")
    os.chown(tmp_path / "file", 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 777)
    with pytest.raises(NotPrivate, match="belongs to another user"):
        read_private(tmp_path / "file", 10)


def test_writing_replaces_whole_and_narrows_the_mode(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    path.chmod(0o644)
    write_private(path, b"new")
    assert read_private(path, 10) == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_failed_replacement_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_creating_never_replaces(tmp_path):
    create_private(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_lock_lets_one_in_at_a_time(tmp_path):
    path = tmp_path / "file"
    order: list[str] = []

    def second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    folder = tmp_path / "new"
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    with pytest.raises(NotPrivate, match=f"chmod 700 {folder}"):
        private_folder(folder)
