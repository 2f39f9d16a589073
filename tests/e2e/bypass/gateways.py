"""openconnect, and a gateway that speaks as much of AnyConnect as it takes until the tunnel stands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.e2e.bypass.ground import Ground, Way, ran
from tests.e2e.bypass.small_server import Handler, small_server
from tests.e2e.certificates import server_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.e2e.bypass.gate import Gate

COMPLETE = (
    b'<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="complete" aggregate-auth-version="2">'
    b'<session-id>1</session-id><session-token>made@up</session-token><auth id="success"/></config-auth>'
)
CONNECTED = "CSTP connected"


class _Gateway(Handler):
    def reply(self) -> None:
        self.body()
        if self.command == "CONNECT":
            self._connect()
        else:
            self.answer(COMPLETE, "text/xml; charset=utf-8")

    def _connect(self) -> None:
        """The tunnel: `CONNECT /CSCOSSLC/tunnel`, then packets in frames of their own."""
        self.send_response(200, "CONNECTED")
        own = {"Version": "1", "Address": "192.0.2.10", "Netmask": "255.255.255.0", "MTU": "1400", "DPD": "30"}
        for name, value in own.items():
            self.send_header(f"X-CSTP-{name}", value)
        self.end_headers()
        while self.rfile.read(1):
            pass
        self.close_connection = True


@contextmanager
def _served(ground: Ground, name: str) -> Iterator[Gate]:
    with small_server(_Gateway) as behind:
        yield ground.serve(name, behind, server_context(ground.network.authority.leaf(name), "http/1.1"))


def gateway(ground: Ground) -> AbstractContextManager[Gate]:
    return _served(ground, "gateway.test")


def approved(ground: Ground) -> AbstractContextManager[Gate]:
    return _served(ground, "approved-gateway.test")


def openconnect(ground: Ground, way: Way, host: str = "gateway.test") -> bool:
    """`--script-tun`: packets go to a program, so that no tun device is needed."""
    said = ran(
        "openconnect", "--proxy", way.url, "--proxy-auth", "Basic", "--cafile", ground.trust, "--no-dtls",
        "--non-inter", "--script-tun", "--script", "cat >/dev/null", f"https://{host}:{ground.port}",
        until=lambda said: CONNECTED in said,
    )  # fmt: skip
    return CONNECTED in said
