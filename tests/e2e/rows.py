"""The rows of the day files in a folder. `python -m tests.e2e.rows FOLDER` prints them, for another namespace."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Oldest first."""
    rows: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*.db")):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            rows += [dict(row) for row in connection.execute("SELECT * FROM decision ORDER BY time, seq")]
    return rows


if __name__ == "__main__":
    json.dump(rows_of(Path(sys.argv[1])), sys.stdout)
