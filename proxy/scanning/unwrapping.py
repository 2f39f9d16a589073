"""What is inside a gzip file, as far as it is there."""

from __future__ import annotations

import zlib


def inside(data: bytes, most: int) -> bytes:
    """Give at most `most` bytes of what a gzip file begins with; nothing of what is none."""
    try:
        return zlib.decompressobj(31).decompress(data, most)
    except zlib.error:
        return b""
