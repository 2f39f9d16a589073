"""squidGuard and e2guardian on the same lists, where Debian's packages are installed."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.made_up_lists import LISTED
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_E2GUARDIAN = Path("/etc/e2guardian")
_ANSWER_SECONDS = 120


def has_squidguard() -> bool:
    return shutil.which("squidGuard") is not None


def has_e2guardian() -> bool:
    return shutil.which("e2guardian") is not None and _E2GUARDIAN.is_dir()


@dataclass(frozen=True)
class SquidGuard:
    """squidGuard with its databases in `folder`."""

    settings: Path

    @classmethod
    def of(cls, folder: Path, tree: Path) -> SquidGuard:
        """Settings for every folder of a tree, whose files it compiles where they lie; they are linked."""
        text, names = f"dbhome {folder}\nlogdir {folder}\n", []
        for kind in sorted(path.name for path in tree.iterdir()):
            (folder / kind).mkdir(parents=True)
            text += f"dest {kind} {{\n"
            for file, word in (("domains", "domainlist"), ("urls", "urllist")):
                if (tree / kind / file).exists():
                    os.link(tree / kind / file, folder / kind / file)
                    text += f"  {word} {kind}/{file}\n"
            text += "}\n"
            names.append(f"!{kind}")
        text += f"acl {{\n default {{\n  pass {' '.join(names)} any\n  redirect 302:http://blocked.test/\n }}\n}}\n"
        (folder / "squidguard.conf").write_text(text)
        return cls(folder / "squidguard.conf")

    def compile(self) -> float:
        """Seconds that `squidGuard -C all` takes."""
        began = time.perf_counter()
        subprocess.run(["squidGuard", "-c", self.settings, "-C", "all"], check=True, capture_output=True)
        return time.perf_counter() - began

    def size(self) -> int:
        """Bytes of its databases."""
        return sum(path.stat().st_size for path in self.settings.parent.rglob("*.db"))

    def rate(self, hosts: Sequence[str]) -> tuple[float, float]:
        """Verdicts a second, and the share that was blocked. The time that no request at all takes is taken off."""
        requests = "".join(f"http://{host}/p 127.0.0.1/- - GET\n" for host in hosts)
        idle, _ = self._answers("")
        took, blocked = self._answers(requests)
        return len(hosts) / max(took - idle, 1e-3), blocked / len(hosts)

    def _answers(self, requests: str) -> tuple[float, int]:
        began = time.perf_counter()
        done = subprocess.run(
            ["squidGuard", "-c", self.settings], input=requests, capture_output=True, text=True, check=True
        )
        return time.perf_counter() - began, done.stdout.count("blocked.test")


def e2guardian_start(folder: Path, tree: Path) -> float:
    """Seconds from its start to its first answer, which is a block."""
    port = free_port("127.0.0.1")
    _configure(folder, tree, port)
    began = time.perf_counter()
    with _running(["e2guardian", "-N", "-c", str(folder / "e2guardian.conf")], folder):
        return first_block(port, began)


def first_block(port: int, began: float, headers: dict[str, str] | None = None) -> float:
    """Seconds from `began` until a proxy blocks a listed name."""
    while time.perf_counter() - began < _ANSWER_SECONDS:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
            connection.request("GET", f"http://{LISTED}/", headers=headers or {})
            answer = connection.getresponse()
            if LISTED.encode() in answer.read() or answer.status == http.HTTPStatus.FORBIDDEN:
                return time.perf_counter() - began
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)
    raise TimeoutError(f"no block after {_ANSWER_SECONDS} s")


def _configure(folder: Path, tree: Path, port: int) -> None:
    shutil.copytree(_E2GUARDIAN, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("private"))
    ours = {
        "filterip =": "filterip = 127.0.0.1",
        "filterports = 8080": f"filterports = {port}",
        "checkip = 127.0.0.1": "",
        "transparenthttpsport = 8443": "",
        "enablessl = on": "enablessl = off",
    }
    for path in [*folder.glob("*.conf"), *folder.glob("*.story")]:
        lines = path.read_text().replace(str(_E2GUARDIAN), str(folder)).splitlines()
        path.write_text("\n".join(ours.get(line.strip(), line) for line in lines) + "\n")
    with (folder / "e2guardian.conf").open("a") as file:
        file.write(f"loglocation = '{folder}/access.log'\npidfilename = '{folder}/pid'\n")
        file.write("daemonuser = 'root'\ndaemongroup = 'root'\n")
    for file_name, list_name in (("domains", "bannedsitelist"), ("urls", "bannedurllist")):
        with (folder / "lists" / list_name).open("a") as file:
            file.writelines(f".Include<{path}>\n" for path in sorted(tree.glob(f"*/{file_name}")))


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it stays for more than 15 s after SIGTERM
            process.wait()
