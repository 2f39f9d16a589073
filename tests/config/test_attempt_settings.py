import pytest

from tests.config.district import check_refused, settings


def test_ten_pages_in_ten_minutes_unless_set_otherwise() -> None:
    assert settings().attempts.model_dump() == {"count": 10, "minutes": 10}


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("attempts: {count: -1}  # <-\n", "attempts.count"),
        ("attempts: {count: 101}  # <-\n", "attempts.count"),
        ("attempts: {minutes: 0}  # <-\n", "attempts.minutes"),
        ("attempts: {minutes: 121}  # <-\n", "attempts.minutes"),
        ("attempts: {minutes: 10m}  # <-\n", "attempts.minutes"),
    ],
)
def test_refused(more: str, key: str) -> None:
    check_refused(more, key, "")
