from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from tests.usage_log.records import record
from usage_log.frames import Stamped
from usage_log.metrics import Metrics, parse_address
from usage_log.record import nobodys_row

if TYPE_CHECKING:
    from usage_log.record import DecisionRecord


ALLOWED = {"action": "allow", "category": "", "reason": "default"}


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


def test_what_stayed_open_counts_its_bytes_once_with_its_end() -> None:
    opened = record(id="A", bytes_in=0, bytes_out=0, duration_ms=1_050)
    ended = record(id="A", event="end", bytes_out=5000, duration_ms=60_000)
    assert bytes_received(counted(opened)) == 0
    metrics = counted(opened, ended, record(bytes_out=1))
    assert bytes_received(metrics) == 5001
    assert metrics.registry.get_sample_value("breakwater_decisions_total", ALLOWED) == 2


def test_what_was_done_to_the_lists_is_no_decision() -> None:
    text = generate_latest(counted(nobodys_row("lists", 0, 1, reason="lists.update")).registry).decode()
    assert "breakwater_decisions_total{" not in text


def test_addresses_of_both_families() -> None:
    assert parse_address("127.0.0.1:9109") == ("127.0.0.1", 9109)
    assert parse_address("[::1]:0") == ("::1", 0)


@pytest.mark.parametrize(
    "text", ["9109", "localhost:9109", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:-1", "", "::1:x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)
