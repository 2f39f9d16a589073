from __future__ import annotations

import pytest

from config.proxy_settings import Limits
from proxy.recycling import private_memory, spent

MEBIBYTE = 1024**2


@pytest.mark.parametrize(
    ("what", "work", "taken", "memory", "age", "expected"),
    [
        ("a new one", 100, 0, 80 * MEBIBYTE, 1, False),
        ("one connection to go", 100, 99, 80 * MEBIBYTE, 1, False),
        ("it has done its share", 100, 100, 80 * MEBIBYTE, 1, True),
        ("0 connections: never", 0, 10**9, 80 * MEBIBYTE, 1, False),
        ("it has grown", 100, 0, 256 * MEBIBYTE, 601, True),
        ("it was born large, and another one would be too", 100, 0, 256 * MEBIBYTE, 599, False),
        ("it has grown, and nobody counts connections", 0, 0, 256 * MEBIBYTE, 601, True),
    ],
)
def test_when_a_worker_is_spent(what, work, taken, memory, age, expected):
    limits = Limits(recycle_connections=work, recycle_bytes=256 * MEBIBYTE)
    assert spent(limits, taken, memory, age) is expected, what


def test_memory_is_counted_in_bytes():
    before = private_memory()
    held = bytearray(64 * MEBIBYTE)
    held[::4096] = b"x" * len(held[::4096])
    assert 60 * MEBIBYTE < private_memory() - before < 80 * MEBIBYTE
