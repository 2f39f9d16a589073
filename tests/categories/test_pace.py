from __future__ import annotations

import pytest

from categories.pace import Pace, TooSlow


@pytest.mark.parametrize(
    ("came", "too_slow"),
    [
        ([(0.1, 1), (0.2, 1)], False),  # no stretch has ended yet
        ([(1.0, 100)], False),  # just enough
        ([(1.0, 99)], True),
        ([(0.5, 200), (1.0, 0), (2.0, 100)], False),
        ([(0.5, 5000), (1.0, 0), (2.0, 99)], True),  # a quick beginning does not pay for the next stretch
        ([(30.0, 3000)], False),  # a stretch ends when something comes; what it took counts
        ([(30.0, 2999)], True),
    ],
)
def test_a_stretch_with_too_few_bytes_is_too_slow(came: list[tuple[float, int]], too_slow: bool) -> None:
    times = iter([0.0, *(at for at, _ in came)])
    pace = Pace(rate=100, seconds=1.0, clock=lambda: next(times))
    assert [pace.too_slow(count) for _, count in came][-1] is too_slow


def test_it_says_how_slow() -> None:
    assert str(TooSlow(4096, 30.0)) == "came slower than 4,096 bytes a second for 30 seconds"
