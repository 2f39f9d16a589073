"""A worker in memory: a real policy and real pages, a spool that is a list, names that are a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from config.proxy_settings import Limits
from proxy.block_page import Pages, PageSettings
from proxy.bounded_cache import BoundedCache
from proxy.connect import NameNotFound
from proxy.identity.identified import Identified, Problem
from proxy.recording import Recorder
from proxy.worker_state import InForce, WorkerState
from tests.proxy.policy import snapshot
from usage_log.spool import SpoolFull

SETTINGS = PageSettings("Demo", "https://district.test/policy", "filter.test", "node-1")
ANA = Identified("ana", "local", None)


@dataclass
class Spool:
    records: list = field(default_factory=list)
    has_room: bool = True
    problem: str | None = None
    full: bool = False

    def append(self, record):
        if self.full:
            raise SpoolFull("full")
        self.records.append(record)

    append_sparing = append_last = append


@dataclass
class Names:
    table: dict = field(default_factory=dict)
    newer: dict = field(default_factory=dict)

    def cached(self, host):
        return self.table.get(host)

    async def resolve(self, host):
        raise NameNotFound(f"{host} does not resolve")

    async def lately(self, host):
        return self.newer.get(host) or await self.resolve(host)


class Identity:
    """`Basic ana` is Ana; anything else is nobody."""

    def __init__(self):
        self.closed = False

    async def identify(self, header, client):
        if header == b"Basic ana":
            return ANA
        return Identified(None, "local", Problem.REQUIRED if header is None else Problem.PASSWORD)

    def recheck(self, identified):
        return Identified(None, "local", Problem.DISABLED) if self.closed else identified


class PublicPages:
    def answer(self, method, path, ask, health=None):
        from proxy.block_page import Answer

        body = f"{method} {path} {health.text if health else ''}".encode()
        return Answer(200, ((b"Content-Length", b"%d" % len(body)),), body)


def node(entries=(), text="", **changes):
    policy = snapshot(
        f"proxy: {{public_name: filter.test, limits: {{head_seconds: 0.3, head_bytes: 2048}}}}\n{text}", entries
    )
    limits = Limits(head_seconds=0.3, head_bytes=2048)
    spool = Spool()
    made = WorkerState(
        in_force=InForce(policy, Pages(SETTINGS), PublicPages(), limits),
        identity=Identity(),
        recorder=Recorder(spool),
        spool=spool,
        resolver=Names(),
        dialer=SimpleNamespace(),
        own_ports=frozenset(),
        refused_certificates=BoundedCache(10),
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made
