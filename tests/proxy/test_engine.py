from __future__ import annotations

import importlib.metadata

import pytest

from proxy import engine
from proxy.replaced.part import digest_of
from tests.proxy.replaced.answers import NoAnswers

PINNED = [
    *((part.owner.__name__ + "." + part.name, getattr(part.owner, part.name), part.digest)
      for part in engine.parts(NoAnswers())),
    *((function.__qualname__, function, digest) for function, digest in engine.RELIED_UPON),
]  # fmt: skip


@pytest.mark.parametrize(("function", "digest"), [row[1:] for row in PINNED], ids=[row[0] for row in PINNED])
def test_every_replaced_part_is_the_one_that_was_read(function, digest):
    assert digest_of(function) == digest


def test_another_mitmproxy_is_refused(monkeypatch):
    monkeypatch.setattr(engine, "RELIED_UPON", ((digest_of, "0" * 64),))
    with pytest.raises(engine.EngineChanged, match=r"digest_of is not the pinned one"):
        engine.install(None, NoAnswers())


def test_the_lock_pins_the_version_that_was_read():
    assert importlib.metadata.version("mitmproxy") == "12.2.3"
