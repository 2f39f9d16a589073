from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from categories.address import canonical_host
from proxy.firewall.dns_names import names, response_policy_zone, unbound
from tests.e2e.namespaces import machines

if TYPE_CHECKING:
    from pathlib import Path

ASKED = """
import json, socket, struct, sys
answers = {}
for name in json.load(sys.stdin):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + bytes(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(("127.0.0.1", 5353))
        sock.send(struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + question + struct.pack(">HH", 1, 1))
        answers[name] = sock.recv(2000)[3] & 15
print(json.dumps(answers))
"""
NO_SUCH_NAME = 3  # RFC 1035, section 4.1.1
UNBOUND = """server:
    interface: 127.0.0.1@5353
    do-daemonize: no
    use-syslog: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    local-zone: "district.example." static
    local-data: "www.district.example. A 192.0.2.1"
remote-control:
    control-enable: no
include: "{folder}/names.conf"
"""


def test_names_are_canonical_and_stand_once() -> None:
    found = [name for name, _ in names()]
    assert len(found) == len(set(found))
    assert [name for name in found if canonical_host(name) != name] == []
    assert {"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "cloudflare-ech.com", "dns.google"} <= {
        *found
    }


def test_a_zone_that_bind_takes(tmp_path: Path) -> None:
    zone = tmp_path / "rpz.zone"
    zone.write_text(response_policy_zone(1_800_000_000))
    checked = subprocess.run(
        ["named-checkzone", "-i", "none", "rpz.district.example", zone], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert "loaded serial 1800000000" in checked.stdout


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    (tmp_path / "names.conf").write_text(unbound())
    file = tmp_path / "unbound.conf"
    file.write_text(UNBOUND.format(folder=tmp_path))
    return file


def test_a_configuration_that_unbound_takes(configured: Path) -> None:
    checked = subprocess.run(["/usr/sbin/unbound-checkconf", configured], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_a_resolver_with_it_knows_none_of_the_names(configured: Path) -> None:
    asked = [name for name, _ in names()] + ["anything.dns.google", "_dns.resolver.arpa"]
    with machines("resolver") as [machine]:
        server = machine.start("/usr/sbin/unbound", "-d", "-c", str(configured), stderr=subprocess.PIPE)
        try:
            told = machine.run(sys.executable, "-c", _WAIT + ASKED, text=json.dumps([*asked, "www.district.example"]))
        finally:
            server.kill()
            server.communicate()
    answers = json.loads(told)
    assert answers.pop("www.district.example") == 0
    assert set(answers.values()) == {NO_SUCH_NAME}
    assert len(answers) == len(asked)


#: Until it listens: TCP says so.
_WAIT = """
import socket, time
end = time.monotonic() + 20
while True:
    try:
        socket.create_connection(("127.0.0.1", 5353), 1).close()
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.05)
"""
