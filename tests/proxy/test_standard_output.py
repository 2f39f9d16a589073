"""Standard output that cannot be written: one error of ours, and nothing more when the interpreter ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from proxy.standard_output import OutputLost, ReaderGone, StandardOutput

COMMAND = (sys.executable, "-m", "breakwater", "--help")


def test_what_is_written_arrives():
    reading, writing = os.pipe()
    text = io.TextIOWrapper(io.BufferedWriter(StandardOutput(writing)))
    text.write("data\n")
    text.flush()
    assert os.read(reading, 10) == b"data\n"
    assert text.fileno() == writing
    assert not text.isatty()
    os.close(reading)
    text.write("more\n")
    with pytest.raises(ReaderGone):
        text.flush()
    text.flush()  # once is enough
    os.close(writing)


def test_a_full_disk_is_told_once():
    descriptor = os.open("/dev/full", os.O_WRONLY)
    raw = StandardOutput(descriptor)
    with pytest.raises(OutputLost, match="standard output: No space left on device; give it room"):
        raw.write(b"data")
    assert raw.write(b"data") == 4
    os.close(descriptor)


def test_no_output_at_all_is_told():
    with pytest.raises(OutputLost, match="Bad file descriptor"):
        StandardOutput(None).write(b"data")


@pytest.mark.parametrize(
    ("shell", "code", "lines"),
    [('"$@" > /dev/full', 4, 1), ('"$@" >&-', 4, 1), ('{ "$@"; echo $? >&2; } | true', 0, 1)],
    ids=["full", "closed", "reader gone"],
)
def test_a_command_ends_with_one_line(shell, code, lines):
    done = subprocess.run(["bash", "-c", shell, "-", *COMMAND], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    said = done.stderr.splitlines()
    assert len(said) == lines, done.stderr
    assert said[0].startswith("standard output: ") or said == ["141"]
