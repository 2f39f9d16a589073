"""One filter, one open proxy and their gates for all clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.bypass.ground import Ground, ground_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network


@pytest.fixture(scope="session")
def ground(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground_in(tmp_path_factory.mktemp("bypass"), network) as ground:
        yield ground
