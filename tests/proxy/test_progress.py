from __future__ import annotations

from proxy.progress import progress_bar


def test_without_a_terminal_nothing_is_drawn(capsys):
    with progress_bar() as show:
        show("compiling", 1, None)
        show("compiling", 2, 10)
    assert capsys.readouterr() == ("", "")
