from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from categories.digests import file_digest

if TYPE_CHECKING:
    from pathlib import Path

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert file_digest(tmp_path / "file") == ABC
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "none")
