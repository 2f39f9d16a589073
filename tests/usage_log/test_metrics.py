from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from tests.usage_log.records import record
from usage_log.frames import Stamped
from usage_log.metrics import Metrics, parse_address

if TYPE_CHECKING:
    from usage_log.record import DecisionRecord


def counted(*records: DecisionRecord) -> Metrics:
    metrics = Metrics()
    metrics.count(Stamped("n1", 0, 1, seq, one) for seq, one in enumerate(records, 1))
    return metrics


def bytes_received(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("breakwater_bytes_total", {"direction": "received"})


def test_no_label_is_a_person_or_a_host() -> None:
    text = generate_latest(counted(record(action="block", reason="bypass.tor", category="tor")).registry).decode()
    assert 'breakwater_decisions_total{action="block",category="tor",reason="bypass.tor"} 1.0' in text
    assert not [secret for secret in ("jane", "10.1.2", "example.test", "letter") if secret in text]


def test_what_was_open_for_long_counts_its_bytes_once() -> None:
    opened = record(id="A", bytes_out=100, duration_ms=10_050)
    ended = record(id="A", event="end", bytes_out=5000, duration_ms=60_000)
    assert bytes_received(counted(opened)) == 100
    assert bytes_received(counted(opened, ended, record(bytes_out=1))) == 5001


def test_an_end_whose_decision_was_counted_by_an_earlier_process_counts_whole() -> None:
    metrics = counted(record(event="end", bytes_out=5000, duration_ms=60_000))
    assert bytes_received(metrics) == 5000
    assert metrics.registry.get_sample_value("breakwater_decisions_total") is None


def test_exchanges_that_never_end_do_not_fill_the_memory() -> None:
    metrics = counted(*(record(duration_ms=10_000) for _ in range(20_500)))
    assert len(metrics._counted) == 20_000


def test_addresses_of_both_families() -> None:
    assert parse_address("127.0.0.1:9109") == ("127.0.0.1", 9109)
    assert parse_address("[::1]:0") == ("::1", 0)


@pytest.mark.parametrize(
    "text", ["9109", "localhost:9109", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:-1", "", "::1:x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)
