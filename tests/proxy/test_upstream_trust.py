from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest

from proxy.authority import new_authority, open_or_create
from proxy.upstream_trust import TrustRefused, UpstreamTrust

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


@pytest.fixture
def extra(tmp_path):
    open_or_create(tmp_path / "ca", "Example", NOW)
    return tmp_path / "ca" / "authority.crt"


def test_without_extra_files_it_is_certifis_own():
    assert UpstreamTrust(()).path == Path(certifi.where())


def test_extra_authorities_come_on_top_and_a_key_beside_them_is_left_out(tmp_path):
    extra = open_or_create(tmp_path / "ca", "Example", NOW)
    trust = UpstreamTrust([tmp_path / "ca" / "authority.pem"])
    content = trust.path.read_bytes()
    assert content == Path(certifi.where()).read_bytes() + b"\n" + extra.certificate_pem
    ssl.create_default_context().load_verify_locations(trust.path)


def test_what_is_trusted_cannot_be_changed(extra):
    trust = UpstreamTrust([extra])
    content = trust.path.read_bytes()
    for write in (lambda: trust.path.write_bytes(b"other"), lambda: os.truncate(trust.path, 0)):
        with pytest.raises(PermissionError):
            write()
    assert trust.path.read_bytes() == content


def test_what_was_made_goes_with_it(extra):
    trust = UpstreamTrust([extra])
    path = trust.path
    del trust
    assert not path.exists()


def test_a_process_that_is_killed_leaves_nothing_behind(extra, tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    program = (
        "import os, pathlib, signal, sys; from proxy.upstream_trust import UpstreamTrust;"
        "trust = UpstreamTrust([pathlib.Path(sys.argv[1])]); trust.path.read_bytes();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "TMPDIR": str(folder)}
    killed = subprocess.run([sys.executable, "-c", program, str(extra)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("empty", b""),
        ("text", b"not a certificate"),
        ("DER", new_authority("x", NOW).certificate_der),
        ("cut", new_authority("x", NOW).certificate_pem[:200]),
        (
            "one good and one broken",
            new_authority("x", NOW).certificate_pem * 2 + b"-----BEGIN CERTIFICATE-----\nAA\n"
            b"-----END CERTIFICATE-----\n",
        ),
    ],
)
def test_a_file_that_holds_no_certificates_is_refused_in_one_line(tmp_path, what, content):
    path = tmp_path / "extra.pem"
    path.write_bytes(content)
    with pytest.raises(TrustRefused, match=f"extra_trust: {path} holds no PEM certificates") as caught:
        UpstreamTrust([path])
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TrustRefused, match="cannot be read"):
        UpstreamTrust([tmp_path / "none.pem"])
