"""A proxy behind the proxy: the tinyproxy that lets everything through stands there once more, under a name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.bypass.tunnels import fetched, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.bypass.gate import Gate
    from tests.e2e.bypass.ground import Ground, Way


@contextmanager
def second_proxy(ground: Ground) -> Iterator[Gate]:
    yield ground.serve("tinyproxy.test", ground.open.gate.behind)


def _through(ground: Ground, way: Way, *how: str) -> bool:
    second = f"http://127.0.0.1:{ground.led(way, 'tinyproxy.test')}"
    return fetched("--proxy", second, "--noproxy", "", *how, f"http://127.0.0.1:{ground.once(page)}/")


def connect_in_connect(ground: Ground, way: Way) -> bool:
    return _through(ground, way, "--proxytunnel")


def get_in_connect(ground: Ground, way: Way) -> bool:
    """The absolute form, as it is asked of a proxy."""
    return _through(ground, way)
