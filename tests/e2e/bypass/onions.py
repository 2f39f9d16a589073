"""Tor with a bridge of its own on loopback. A finished handshake (TLS, VERSIONS, NETINFO) counts as working.

A bridge is written as an address: that of a name of the tests, which the filter may reach.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.bypass.ground import PASSWORD, USER, Ground, Way, address_of, daemon, ran
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.bypass.gate import Gate

#: What Tor says when it has spoken with its bridge: tor's own bootstrap tags.
HANDSHAKEN = "(handshake_done)"


def _settings(folder: Path, *lines: str) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    # Instead of the authorities of Tor's network, which no test may ask.
    nobody = f"DirAuthority none no-v2 v3ident={'A' * 40} 127.0.0.1:9 {'B' * 40}"
    common = (nobody, "UseDefaultFallbackDirs 0", f"DataDirectory {folder}", "Log notice stdout", "RunAsDaemon 0")
    file = folder / "torrc"
    file.write_text("\n".join((*common, *lines)) + "\n")
    return file


@contextmanager
def bridge(ground: Ground) -> Iterator[Gate]:
    port = free_port("127.0.0.1")
    settings = _settings(
        ground.folder / "bridge", f"ORPort 127.0.0.1:{port} IPv4Only", "BridgeRelay 1", "SocksPort 0", "ExitRelay 0",
        "PublishServerDescriptor 0", "AssumeReachable 1", "Address 127.0.0.1", "DirAllowPrivateAddresses 1",
        "ExtORPort 0", "BridgeDistribution none",
    )  # fmt: skip
    with daemon("tor", "-f", settings, "--defaults-torrc", "/dev/null", folder=ground.folder, port=port):
        yield ground.serve("bridge.test", ("127.0.0.1", port))


def tor(ground: Ground, way: Way) -> bool:
    settings = _settings(
        ground.folder / f"tor-{way.port}", "UseBridges 1", f"Bridge {address_of('bridge.test')}:{ground.port}",
        "SocksPort 0", f"HTTPSProxy {way.host}", f"HTTPSProxyAuthenticator {USER}:{PASSWORD}",
    )  # fmt: skip
    command = ["tor", "-f", settings, "--defaults-torrc", "/dev/null"]
    return HANDSHAKEN in ran(*command, until=way.until(lambda said: HANDSHAKEN in said))
