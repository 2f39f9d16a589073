"""The proxies that are measured: Breakwater, with filtering, identity and logging on, and stock mitmdump."""

from __future__ import annotations

import base64
import os
import pstats
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.origin import ADDRESS, PASSED_THROUGH

if TYPE_CHECKING:
    from bench.origin import Origin

BIN = Path(sys.executable).parent
INSIDE = Path(__file__).parent / "inside"
USER = "bench:a-long-password-1"
CREDENTIALS = f"Proxy-Authorization: Basic {base64.b64encode(USER.encode()).decode()}\r\n"

#: The proxies have one CPU, what makes and answers requests has the others.
CPUS = sorted(os.sched_getaffinity(0))
PROXY_CPU, LOAD_CPUS = CPUS[:1], CPUS[1:] or CPUS


@dataclass
class Proxy:
    """A running proxy: where it listens, whom it trusts, what its processes cost."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    authority: Path
    profile: Path

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def cpu(self) -> float:
        """Seconds of user and system time so far, the collector's included."""
        return sum(time.clock_gettime(_cpu_clock(pid)) for pid in self.pids())

    def memory(self) -> int:
        """Resident bytes of the largest process."""
        return max(_resident(pid) for pid in self.pids())

    def start_counting(self) -> None:
        os.kill(self._serving(), signal.SIGRTMIN)
        time.sleep(0.2)

    def calls(self) -> pstats.Stats:
        """What was called since `start_counting`."""
        os.kill(self._serving(), signal.SIGRTMIN)
        for _ in range(100):
            if self.profile.exists():
                break
            time.sleep(0.1)
        stats = pstats.Stats(str(self.profile))
        self.profile.unlink()
        return stats

    def _serving(self) -> int:
        return next(pid for pid in self.pids() if _serves(Path(f"/proc/{pid}/cmdline").read_bytes()))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def _serves(command: bytes) -> bool:
    return b"proxy.worker" in command or b"mitmdump" in command


def _cpu_clock(pid: int) -> int:
    """The clock of a whole process, as clock_getcpuclockid(3) makes it: nanoseconds, ended threads included."""
    return (~pid << 3) | 2


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def breakwater(folder: Path, origin: Origin, name: str = "breakwater", stock: str = "") -> Proxy:
    """Start the product. `stock` names levers to leave out."""
    folder.mkdir()
    port = _free_port()
    config = folder / "district.yaml"
    because = "owner: bench, reason: origin, since: 2026-11-01"
    config.write_text(f"""
district: {{name: Bench}}
state_dir: state
retention: {{records: 90d, evidence: 10y, cases: 10y}}
starter_only: true
metrics: {{listen: "127.0.0.1:{_free_port()}"}}
proxy:
  listen: ["127.0.0.1:{port}"]
  workers: 1
  allow_ports: [80, 443, {origin.plain_port}, {origin.tls_port}]
  private_networks: {{allow: [{{network: "{ADDRESS}/32", {because}}}]}}
  passthrough: [{{host: "{PASSED_THROUGH}", {because}}}]
  extra_trust: [{origin.authority}]
""")
    user, _, password = USER.partition(":")
    command = [str(BIN / "breakwater"), "users", "add", user, "--password-stdin", "--config", str(config)]
    subprocess.run(command, input=password.encode(), check=True, stderr=subprocess.DEVNULL)
    command = [str(BIN / "breakwater"), "run", "--config", str(config)]
    return _started(name, port, command, folder, "state/ca/authority.crt", stock)


def mitmdump(folder: Path, origin: Origin, name: str = "mitmdump", *settings: str) -> Proxy:
    """Start stock mitmproxy, with `name=value` settings."""
    folder.mkdir()
    port = _free_port()
    given = (f"confdir={folder}", f"ssl_verify_upstream_trusted_ca={origin.authority}", *settings)
    command = [str(BIN / "mitmdump"), "-q", "--listen-host", "127.0.0.1", "--listen-port", str(port)]
    for each in given:
        command += ["--set", each]
    return _started(name, port, command, folder, "mitmproxy-ca-cert.pem")


def _started(name: str, port: int, command: list[str], folder: Path, authority: str, stock: str = "") -> Proxy:
    profile, log = folder / "bench.profile", folder / "bench.log"
    hosts = folder / "hosts"
    hosts.write_text(f"{ADDRESS} {PASSED_THROUGH}\n")
    names = {"LD_PRELOAD": _names_wrapper(), "NSS_WRAPPER_HOSTS": str(hosts)}
    inside = {"PYTHONPATH": str(INSIDE), "BENCH_PROFILE": str(profile), "BENCH_STOCK": stock}
    process = subprocess.Popen(
        ["taskset", "-c", str(PROXY_CPU[0]), *command],
        env={**os.environ, **names, **inside},
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
    )
    proxy = Proxy(name, port, process, folder / authority, profile)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and proxy.authority.exists():
                time.sleep(1)  # until what only a start costs has been paid
                return proxy
        time.sleep(0.1)
    proxy.stop()
    raise RuntimeError(f"{name} does not listen: {log.read_text()}")


def _names_wrapper() -> str:
    """Debian's libnss_wrapper.so, wherever the machine's architecture puts it."""
    return str(next(Path("/usr/lib").glob("*/libnss_wrapper.so")))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
