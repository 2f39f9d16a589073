from __future__ import annotations

from proxy.identity.attempts import LIMIT, WINDOW, Attempts


def test_ten_failures_in_a_minute_are_the_limit_of_one_address_alone():
    attempts = Attempts()
    for second in range(LIMIT):
        assert not attempts.spent("10.0.0.1", float(second))
        attempts.failed("10.0.0.1", float(second))
    assert attempts.spent("10.0.0.1", LIMIT)
    assert not attempts.spent("10.0.0.2", LIMIT)


def test_the_window_slides_so_one_failure_is_given_back_at_a_time():
    attempts = Attempts()
    for second in range(LIMIT):
        attempts.failed("10.0.0.1", float(second))
    assert attempts.spent("10.0.0.1", WINDOW - 0.1)
    assert not attempts.spent("10.0.0.1", WINDOW)
    attempts.failed("10.0.0.1", WINDOW)
    assert attempts.spent("10.0.0.1", WINDOW)
