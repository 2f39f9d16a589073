"""Breakwater as a real process: a district folder, the command line, the usage log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from proxy.identity import accounts_file
from proxy.tenure import in_charge
from tests.e2e.district_folder import district, write_certificate, write_lists
from tests.e2e.network import Network, free_port
from tests.e2e.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = Path(sys.executable).with_name("breakwater")
READY_SECONDS = 60
ENDED_SECONDS = 60

#: Becomes the command, with the listening sockets that systemd would hand over (sd_listen_fds(3)), and with limits.
AS_SYSTEMD = """
import ast, os, resource, sys
fds, limits, *command = sys.argv[1:]
for place, fd in enumerate(ast.literal_eval(fds), 3):
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(place - 2)}
    os.dup2(fd, place)
for name, limit in ast.literal_eval(limits).items():
    resource.setrlimit(name, limit)
os.execv(command[0], command)
"""
RECORD_SECONDS = 15
PASSWORDS = {"ana": "sand:dollar-7", "ben": "kelp-forest-9", "gone": "tide-pool-3033"}


def wrapper() -> str:
    """Debian's libnss_wrapper.so, wherever the machine's architecture puts it."""
    found = next(Path("/usr/lib").glob("*/libnss_wrapper.so"), None)
    if found is None:
        raise FileNotFoundError("libnss_wrapper.so: install the Debian package libnss-wrapper")
    return str(found)


@dataclass
class Product:
    """One district folder and, between `start` and `stop`, one running filter."""

    folder: Path
    network: Network
    port: int
    tls_port: int
    metrics_port: int
    settings: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    fds: tuple[int, ...] = ()  # listening sockets that it is given as by systemd
    limits: dict[int, tuple[int, int]] = field(default_factory=dict)  # of resources, as setrlimit(2) takes them
    variables: dict[str, str] = field(default_factory=dict)  # of the environment
    volume: tuple[str, int] | None = None  # a folder of `state` that is a volume of its own, with its size in MiB
    program: tuple[str, ...] = (str(COMMAND),)

    @classmethod
    def create(cls, folder: Path, network: Network) -> Product:
        product = cls(folder, network, *(free_port("127.0.0.1") for _ in range(3)))
        write_lists(folder / "lists")
        write_certificate(folder / "listener.pem", network)
        product.settings = district(product)
        product.write()
        return product

    def beside(self, folder: Path) -> Product:
        """Another district folder with the same accounts; not started."""
        other = Product.create(folder, self.network)
        self.lend_accounts(other)
        return other

    def open_accounts(self, *names: str) -> None:
        """What `users add` does (tests/e2e/test_commands.py runs it), for people of PASSWORDS, without its start."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            accounts_file.add(self.state / "accounts.json", name, PASSWORDS[name], "staff", datetime.now(UTC))

    def lend_accounts(self, other: Product) -> None:
        """Copies the accounts to a filter that has no state yet."""
        other.state.mkdir(mode=0o700)
        shutil.copy2(self.state / "accounts.json", other.state / "accounts.json")

    @contextmanager
    def running(self) -> Iterator[Product]:
        """Runs the filter, which has to live to the end of the block and to end in order."""
        try:
            yield self.start()
            self.stop()
        finally:
            self.kill()

    @property
    def config(self) -> Path:
        return self.folder / "district.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def authority(self) -> Path:
        return self.state / "ca" / "authority.crt"

    @property
    def output(self) -> str:
        """All that the running process has said so far, both streams."""
        return (self.folder / "output.txt").read_text()

    def write(self) -> None:
        self.config.write_text(yaml.safe_dump(self.settings, sort_keys=False))

    def environment(self) -> dict[str, str]:
        """Made-up names instead of DNS, no proxies of the machine, and dead names that fail fast."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "LD_PRELOAD": wrapper(),
            "NSS_WRAPPER_HOSTS": str(self.network.hosts_file),
            "RES_OPTIONS": "timeout:1 attempts:1",
            "NO_COLOR": "1",
            **self.variables,
        }

    def command(self, *arguments: str, text: str | None = None, seconds: int = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments, "--config", self.config],
            input=text or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment(),
            check=False,
        )

    def done(self, *arguments: str, text: str | None = None) -> str:
        """Runs a command that has to succeed; its data."""
        result = self.command(*arguments, text=text)
        assert result.returncode == 0, f"{arguments}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def start(self) -> Product:
        with (self.folder / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    AS_SYSTEMD,
                    repr(self.fds),
                    repr(self.limits),
                    *self._mounted(),
                    *self.program,
                    "run",
                    "--config",
                    self.config,
                ],
                pass_fds=self.fds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(),
            )
        wait_for(self._ready, READY_SECONDS, "the filter to be ready", lambda: self.output)
        return self

    def _mounted(self) -> list[str]:
        """Mounts the volume where only the filter sees it; without root in a user namespace of its own."""
        if self.volume is None:
            return []
        name, size = self.volume
        (self.state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        mount = f'mount -t tmpfs -o size={size}m,mode=0700 none "$0" && exec "$@"'
        user = ["--map-root-user"] if os.geteuid() else []
        unshare = shutil.which("unshare")
        assert unshare is not None, "this test needs unshare and nsenter (util-linux): see CONTRIBUTING.md"
        tried = subprocess.run([unshare, *user, "--mount", "true"], capture_output=True, check=False)
        assert tried.returncode == 0, (
            "this test mounts a volume: it needs root or user namespaces (unshare --mount): see CONTRIBUTING.md"
        )
        return [unshare, *user, "--mount", "--propagation", "private", "sh", "-c", mount, str(self.state / name)]

    def seen(self, name: str) -> Path:
        """A folder of `state` as the filter sees it."""
        path = self.state / name
        if self.process is None or self.volume is None or self.volume[0] != name:
            return path
        return Path(f"/proc/{self.process.pid}/root{path}")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output}"
        listeners = (*self.settings["proxy"]["listen"], self.settings["metrics"]["listen"])
        addresses = (each if isinstance(each, str) else each["address"] for each in listeners)
        return all(f"listening on {address} " in self.output for address in addresses)

    def children(self, module: str) -> list[int]:
        """Process ids of the supervisor's children that run `module`: proxy.worker or usage_log.collector."""
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in found if module in Path(f"/proc/{child}/cmdline").read_text().split("\0")]

    def worker_memory(self) -> int:
        """Resident bytes of the supervisor's children, all together."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        pages = sum(int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children)
        return pages * os.sysconf("SC_PAGE_SIZE")

    def terminate(self) -> None:
        assert self.process is not None
        self.process.terminate()

    def ended(self, seconds: int = 45) -> int:
        """Waits for the end of the process; its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> None:
        """SIGTERM has to end it in order: exit code 0 and no traceback, ever."""
        self.terminate()
        assert self.ended() == 0, self.output
        assert "Traceback" not in self.output, self.output

    def end_successor(self) -> None:
        """What an upgrade put in charge is no child of this process: SIGTERM has to end it too."""
        successor = in_charge(self.state)
        if successor is not None and (self.process is None or successor.pid != self.process.pid):
            os.kill(successor.pid, signal.SIGTERM)
            wait_for(lambda: not alive(successor.pid), ENDED_SECONDS, "the successor to end", lambda: self.output)

    def kill(self) -> None:
        """Whatever a failed test left running."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def records(self, **columns: object) -> list[dict[str, Any]]:
        """Rows of the day files, oldest first, whose columns have these values."""
        return [row for row in self._rows() if columns.items() <= row.items()]

    def _rows(self) -> list[dict[str, Any]]:
        if self.volume is None or self.volume[0] != "log":
            return rows_of(self.state / "log")
        assert self.process is not None
        user = ["--user", "--preserve-credentials"] if os.geteuid() else []
        enter = ["nsenter", "--target", str(self.process.pid), "--mount", *user, "--wd=" + str(Path.cwd())]
        read = [sys.executable, "-m", "tests.e2e.rows", self.state / "log"]
        found: list[dict[str, Any]] = json.loads(
            subprocess.run([*enter, *read], capture_output=True, check=True).stdout
        )
        return found

    def recorded(self, count: int = 1, **columns: object) -> list[dict[str, Any]]:
        """Waits for `count` such records, then makes sure that no further one follows."""
        wait_for(lambda: len(self.records(**columns)) >= count, RECORD_SECONDS, f"{count} of {columns}", self.records)
        time.sleep(0.7)
        rows = self.records(**columns)
        assert len(rows) == count, rows
        return rows

    def audit(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.done("audit", "log", "--json", *arguments).splitlines()]


def alive(pid: int) -> bool:
    """A process that has ended but was not waited for is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(true: Callable[[], bool], seconds: float, what: str, evidence: Callable[[], object] = lambda: "") -> None:
    """Waits until `true()`. The bound is far above what it takes."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}: {evidence()}")
        time.sleep(0.05)
