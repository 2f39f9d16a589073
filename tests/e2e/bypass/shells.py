"""SSH as people take it through a proxy: corkscrew, proxytunnel, stunnel. The server is a real sshd on loopback."""

from __future__ import annotations

import getpass
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.bypass.ground import PASSWORD, USER, Ground, Way, daemon, ran
from tests.e2e.certificates import server_context
from tests.e2e.network import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.bypass.gate import Gate

MARKER = "a shell beyond the filter"


@contextmanager
def sshd(ground: Ground) -> Iterator[int]:
    """Its own keys and settings, on a port of loopback; the one key that may come in is `key`."""
    folder = ground.folder / "ssh"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        for name in ("host", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port("127.0.0.1")
    settings = folder / f"sshd-{port}"
    settings.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nAuthorizedKeysFile {folder}/key.pub\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd(8) of Debian wants it as root; its service would make it
    with daemon("/usr/sbin/sshd", "-D", "-e", "-f", settings, folder=ground.folder, port=port):
        yield port


def shell(ground: Ground, *way: object) -> bool:
    """True when a command runs on the other side."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=15"]
    said = ran(
        "ssh", "-F", "none", "-i", ground.folder / "ssh" / "key", *[part for each in options for part in ("-o", each)],
        "-l", getpass.getuser(), *way, f"echo {MARKER.upper()} | tr A-Z a-z",
    )  # fmt: skip
    return MARKER in said


@contextmanager
def plain(ground: Ground) -> Iterator[Gate]:
    yield ground.serve("ssh.test", ("127.0.0.1", ground.once(sshd)))


@contextmanager
def in_tls(ground: Ground) -> Iterator[Gate]:
    context = server_context(ground.network.authority.leaf("ssh-tls.test"))
    yield ground.serve("ssh-tls.test", ("127.0.0.1", ground.once(sshd)), context)


@contextmanager
def approved(ground: Ground) -> Iterator[Gate]:
    yield ground.serve("approved-ssh.test", ("127.0.0.1", ground.once(sshd)))


def corkscrew(ground: Ground, way: Way, host: str = "ssh.test") -> bool:
    secret = ground.folder / "corkscrew"
    secret.write_text(f"{USER}:{PASSWORD}\n")
    command = f"corkscrew 127.0.0.1 {way.port} %h %p {secret}"
    return shell(ground, "-o", f"ProxyCommand={command}", "-p", ground.port, host)


def proxytunnel(ground: Ground, way: Way) -> bool:
    command = f"proxytunnel -q -p {way.host} -P {USER}:{PASSWORD} -d %h:%p"
    return shell(ground, "-o", f"ProxyCommand={command}", "-p", ground.port, "ssh.test")


def stunnel(ground: Ground, way: Way) -> bool:
    """Accepts any certificate, as stunnel does unless it is told otherwise."""
    port = free_port("127.0.0.1")
    settings = ground.folder / f"stunnel-{port}"
    settings.write_text(
        f"foreground = yes\npid =\n[ssh]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = {way.host}\n"
        f"protocol = connect\nprotocolHost = ssh-tls.test:{ground.port}\nprotocolAuthentication = basic\n"
        f"protocolUsername = {USER}\nprotocolPassword = {PASSWORD}\n"
    )
    with daemon("stunnel", settings, folder=ground.folder, port=port):
        return shell(ground, "-p", port, "127.0.0.1")
