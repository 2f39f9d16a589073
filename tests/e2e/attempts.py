"""Attempts to reach something, and something to reach: run inside a network namespace.

`python -m tests.e2e.attempts` reads attempts as JSON and writes what became of each: "answered"; "refused", by a TCP
reset or an ICMP error; "silent", when nothing came within the seconds in which the filter has promised an answer.
`python -m tests.e2e.attempts serve` answers at the sockets that it reads as JSON until it is ended.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

PROMISED = 6.0  # seconds: no refusal is a stall
PACKETS = {
    # RFC 9000, section 17.2.2: the beginning of an Initial packet of version 1, padded to 1,200 bytes
    443: b"\xc3\x00\x00\x00\x01\x08" + bytes(8) + b"\x08" + bytes(1185),
    # RFC 1035: a question for example.test, type A
    53: b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x07example\x04test\x00\x00\x01\x00\x01",
}


def attempt(protocol: str, address: str, port: int) -> str:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.settimeout(PROMISED)
        try:
            sock.connect((address, port))
            sock.sendall(PACKETS.get(port, b"hello"))
            return "answered" if sock.recv(100) else "closed"
        except TimeoutError:
            return "silent"
        except OSError as error:
            return "unroutable" if error.errno == 101 else "refused"


def serve(sockets: list[tuple[str, str, int]]) -> None:
    """Answers whoever sends something, until the end."""
    watched = selectors.DefaultSelector()
    for protocol, address, port in sockets:
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if protocol == "tcp":
            sock.listen()
        watched.register(sock, selectors.EVENT_READ, protocol)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for key, _ in watched.select():
            _answer(key.fileobj, key.data)  # type: ignore[arg-type]


def _answer(sock: socket.socket, protocol: str) -> None:
    if protocol == "udp":
        data, peer = sock.recvfrom(2000)
        sock.sendto(data[:12], peer)
        return
    connection, _ = sock.accept()
    with connection:
        connection.settimeout(2)
        try:
            connection.recv(2000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nreached\n")
        except OSError:
            return


if __name__ == "__main__":
    given = [tuple(each) for each in json.loads(sys.stdin.read())]
    if "serve" in sys.argv:
        serve(given)
    with ThreadPoolExecutor(32) as threads:
        sys.stdout.write(json.dumps(list(threads.map(lambda each: attempt(*each), given))))
