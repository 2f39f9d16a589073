"""regcomp() and regexec() of the C library: what squidGuard itself asks about its expressions."""

from __future__ import annotations

import ctypes

_LIBC = ctypes.CDLL(None)
_EXTENDED, _ICASE, _NOSUB = 1, 2, 8


class Regcomp:
    """One expression, as regcomp() reads it. `wrong` where it refuses it."""

    def __init__(self, expression: str) -> None:
        self._compiled = ctypes.create_string_buffer(256)  # a regex_t has 64 bytes
        self.wrong = _LIBC.regcomp(self._compiled, expression.encode(), _EXTENDED | _ICASE | _NOSUB) != 0

    def matches(self, text: bytes) -> bool:
        assert not self.wrong
        return _LIBC.regexec(self._compiled, text, 0, None, 0) == 0

    def __del__(self) -> None:
        if not self.wrong:
            _LIBC.regfree(self._compiled)
