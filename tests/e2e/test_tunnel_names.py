"""Every sample of tests/cases/openings.yaml through the real filter: closed, and named on the one record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials
from tests.endurance.seeds import hellos
from tests.proxy.detectors.openings import NAMED

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product
    from tests.proxy.detectors.openings import Sample

LONGEST = 6.0  # seconds that a refusal may take
DRIPPED = 64  # bytes that are sent one by one, at most

#: What begins a request is answered as one (tests/e2e/test_heads.py); what begins TLS is TLS behind CONNECT.
REQUESTS = (b"CONNECT ", b"SSTP_")
HELLO = b"\x16\x03"


def said(product: Product, network: Network, sample: Sample, *, tls: bool, drip: bool) -> str:
    """Say a sample in a tunnel of its own, see it closed, and give the tunnel's host."""
    host = network.fresh("allowed.test")
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        if tls:
            client.start_tls(host)
        began = time.monotonic()
        for piece in [sample.data[at : at + 1] for at in range(len(sample.data))] if drip else [sample.data]:
            client.send(piece)
        assert client.closed_within(LONGEST), sample.sentence
        assert time.monotonic() - began < LONGEST, sample.sentence
    return host


@pytest.mark.parametrize(
    ("tls", "drip"), [(False, False), (True, True)], ids=["at once behind CONNECT", "byte by byte inside TLS"]
)
def test_every_protocol_is_closed_and_named(product: Product, network: Network, tls: bool, drip: bool) -> None:
    samples = [
        sample
        for sample in NAMED.values()
        if not sample.data.startswith(REQUESTS if tls else (*REQUESTS, HELLO))
        and (not drip or len(sample.data) <= DRIPPED)
    ]
    contacts = network.contacts()
    expected = {said(product, network, sample, tls=tls, drip=drip): sample.reason for sample in samples}
    assert len(expected) == len(samples) > 40
    assert network.contacts() == contacts
    wait_for(lambda: set(recorded(product)) >= set(expected), 20, "a record of each")
    rows = recorded(product)
    assert {host: rows[host] for host in expected} == {host: [reason] for host, reason in expected.items()}


#: What imitations of TLS send behind a ClientHello that is real enough: simple-obfs, ShadowTLS, and nothing like TLS.
TAILS = {
    "a change of ciphers and noise for a Finished": bytes.fromhex("140303000101160303 0020") + bytes(range(32)),
    "records of data": bytes.fromhex("1703030040") + bytes(range(64)),
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("version", [0, 1], ids=["TLS 1.3", "TLS 1.2"])
def test_an_imitation_of_tls_is_refused_as_one(product: Product, network: Network, version: int, tail: str) -> None:
    host, contacts = network.fresh("allowed.test"), network.contacts()
    with Client(product) as client:
        assert client.connect(f"{host}:{network.tls_port}", credentials("ana")).status == 200
        client.send(hellos(host)[version])
        client.send(TAILS[tail])
        assert client.closed_within(LONGEST)
    [row] = product.recorded(host=host)
    assert (row["action"], row["reason"]) == ("block", "bypass.fake-tls")
    assert network.contacts() == contacts


def recorded(product: Product) -> dict[str, list[str]]:
    """The reasons of decisions, by host."""
    found: dict[str, list[str]] = {}
    for row in product.records(event="decision"):
        found.setdefault(row["host"], []).append(row["reason"])
    return found
