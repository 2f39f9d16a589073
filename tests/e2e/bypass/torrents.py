"""BitTorrent: opentracker, a seed on loopback, and aria2, transmission and libtorrent as people would run them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.bypass.ground import PASSWORD, USER, Ground, Way, address_of, daemon, ran
from tests.e2e.bypass.small_server import Handler, small_server
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.bypass.gate import Gate

SYSTEM_PYTHON = "/usr/bin/python3"  # python3-libtorrent is Debian's, for Debian's Python
SWARM = Path(__file__).with_name("swarm.py")
PIECE = 16384
NAME = "lecture.bin"
CONTENT = hashlib.shake_128(b"a lecture that nobody gave").digest(4 * PIECE)


def bencoded(value: object) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    assert isinstance(value, dict)
    return b"d%se" % b"".join(bencoded(key) + bencoded(value[key]) for key in sorted(value))


INFO = {
    b"name": NAME.encode(),
    b"length": len(CONTENT),
    b"piece length": PIECE,
    b"pieces": b"".join(
        hashlib.sha1(CONTENT[at : at + PIECE], usedforsecurity=False).digest() for at in range(0, len(CONTENT), PIECE)
    ),
}


def torrent(announce: str | None = None) -> bytes:
    return bencoded({b"info": INFO} | ({b"announce": announce.encode()} if announce else {}))


@dataclass(frozen=True)
class Swarm:
    gate: Gate  # of the tracker
    seed: int  # the port of the peer that has it all
    file: Path  # .torrent
    untracked: Path  # the same, without a tracker


@contextmanager
def swarm(ground: Ground) -> Iterator[Swarm]:
    """A tracker and a seed that has announced itself."""
    port, seed = free_port("127.0.0.1"), free_port("127.0.0.1")
    folder = ground.folder / "seed"
    folder.mkdir()
    (folder / NAME).write_bytes(CONTENT)
    file = ground.folder / "lecture.torrent"
    file.write_bytes(torrent(f"http://tracker.test:{ground.port}/announce"))
    untracked = ground.folder / "untracked.torrent"
    untracked.write_bytes(torrent())
    own = ground.folder / "seed.torrent"
    own.write_bytes(torrent(f"http://127.0.0.1:{port}/announce"))
    allowed = ground.folder / "tracked"
    allowed.mkdir(mode=0o755)  # opentracker leaves root, and reads the list of what it tracks after that
    (allowed / "torrents").write_text(hashlib.sha1(bencoded(INFO), usedforsecurity=False).hexdigest() + "\n")
    tracks = ["-i", "127.0.0.1", "-p", port, "-d", allowed, "-w", "torrents"]
    with daemon("opentracker", *tracks, folder=ground.folder, port=port):
        gate = ground.serve("tracker.test", ("127.0.0.1", port))
        with daemon(
            SYSTEM_PYTHON, SWARM, own, folder, seed, folder=ground.folder, ready=lambda said: "seeding" in said
        ):
            yield Swarm(gate, seed, file, untracked)


@contextmanager
def tracker(ground: Ground) -> Iterator[Gate]:
    yield ground.once(swarm).gate


@contextmanager
def peer(ground: Ground) -> Iterator[Gate]:
    yield ground.serve("peer.test", ("127.0.0.1", ground.once(swarm).seed))


@contextmanager
def index(ground: Ground) -> Iterator[Gate]:
    """A site that hands out .torrent files."""

    class Index(Handler):
        def reply(self) -> None:
            self.answer(ground.once(swarm).file.read_bytes(), "application/x-bittorrent")

    with small_server(Index) as behind:
        yield ground.serve("torrents.test", behind)


def _fetched(folder: Path) -> bool:
    file = folder / NAME
    return file.exists() and file.read_bytes() == CONTENT


def _aria2(ground: Ground, way: Way, what: object) -> bool:
    with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        alone = ["--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false", "--interface=lo"]
        once = ["--seed-time=0", "--max-tries=1", f"--listen-port={free_port('127.0.0.1')}", "--follow-torrent=mem"]
        ran("aria2c", *alone, *once, f"--http-proxy={way.url}", "-d", folder, what, until=way.until(lambda _: False))
        return _fetched(Path(folder))


def aria2(ground: Ground, way: Way) -> bool:
    return _aria2(ground, way, ground.once(swarm).file)


def aria2_of_an_index(ground: Ground, way: Way) -> bool:
    return _aria2(ground, way, f"http://torrents.test:{ground.port}/lecture.torrent")


def transmission(ground: Ground, way: Way) -> bool:
    """libcurl in it goes by `http_proxy`."""
    alone = ("dht-enabled", "lpd-enabled", "pex-enabled", "utp-enabled", "port-forwarding-enabled")
    with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
        settings = {"bind-address-ipv4": "127.0.0.1"} | dict.fromkeys(alone, False)
        Path(folder, "settings.json").write_text(json.dumps(settings))
        options = ["-g", folder, "-w", folder, "-p", free_port("127.0.0.1"), "-M"]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "http_proxy": way.url}
        command = ["transmission-cli", *options, ground.once(swarm).file]
        ran(*command, environment=environment, until=way.until(lambda _: _fetched(Path(folder))))
        return _fetched(Path(folder))


def libtorrent(how: str) -> Callable[[Ground, Way], bool]:
    """A peer that is asked for through the proxy, "plain" or "encrypted" (MSE, by force)."""

    def works(ground: Ground, way: Way) -> bool:
        with tempfile.TemporaryDirectory(dir=ground.folder) as folder:
            to = [f"{address_of('peer.test')}:{ground.port}", way.host, USER, PASSWORD, how]
            command = [SYSTEM_PYTHON, SWARM, ground.once(swarm).untracked, folder, free_port("127.0.0.1"), *to]
            return "complete" in ran(*command, until=way.until(lambda said: "complete" in said))

    return works
