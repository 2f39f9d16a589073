import pytest

from tests.config.district import check_refused

ROWS = [
    ("every host", "downloads: {allow_from: ['*']}  # <-\n", "downloads.allow_from[0]", "host"),
    ("a public suffix", "downloads: {allow_from: [co.uk]}  # <-\n", "downloads.allow_from[0]", "suffix"),
    ("an action that is none", "downloads: {action: monitor}  # <-\n", "downloads.action", "block"),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)
