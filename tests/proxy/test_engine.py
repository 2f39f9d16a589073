from __future__ import annotations

import importlib.metadata

import pytest

from proxy import engine


@pytest.mark.parametrize(("function", "digest"), engine.PINNED, ids=lambda each: getattr(each, "__qualname__", ""))
def test_every_replaced_part_is_the_one_that_was_read(function, digest):
    assert engine.digest_of(function) == digest


def test_another_mitmproxy_is_refused(monkeypatch):
    monkeypatch.setattr(engine, "PINNED", ((engine.digest_of, "0" * 64),))
    with pytest.raises(engine.EngineChanged, match=r"digest_of is not the pinned one"):
        engine.install(None, None)


def test_the_lock_pins_the_version_that_was_read():
    assert importlib.metadata.version("mitmproxy") == "12.2.3"
