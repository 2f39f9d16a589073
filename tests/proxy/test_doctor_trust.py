"""doctor on certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from config.proxy_settings import Listener
from proxy.authority import AuthorityRefused, new_authority
from proxy.doctor_trust import check_authority, check_extra_trust, check_listener_certificates, check_trust_store
from proxy.finding import Level
from proxy.upstream_trust import TrustRefused
from tests.proxy.doctor_district import district, only, subject


@pytest.fixture
def examined(tmp_path):
    store = tmp_path / "certs"
    store.mkdir()
    return subject(district(tmp_path), trust_store=store)


def with_proxy(examined, **changes):
    proxy = examined.settings.proxy.model_copy(update=changes)
    return replace(examined, settings=examined.settings.model_copy(update={"proxy": proxy}))


def test_an_authority_is_ok_until_half_a_year_before_its_end(examined):
    assert only(check_authority, examined).level is Level.OK
    late = replace(examined, now=examined.now + timedelta(days=5 * 365 - 100))
    finding = only(check_authority, late)
    assert finding.level is Level.WARN
    assert "ca rotate" in finding.todo


def test_an_authority_that_others_can_read_or_that_expired_is_refused(examined):
    with pytest.raises(AuthorityRefused, match="expired"):
        check_authority(replace(examined, now=examined.now + timedelta(days=5 * 365 + 1)))
    (examined.state_dir / "ca" / "authority.pem").chmod(0o644)
    with pytest.raises(AuthorityRefused, match="chmod 600"):
        check_authority(examined)


def test_a_machine_that_does_not_trust_the_authority_is_a_warning(examined):
    other = new_authority("Other", examined.now).certificate_pem
    (examined.trust_store / "other.pem").write_bytes(other)
    (examined.trust_store / "broken.pem").write_bytes(b"\0\xff")
    (examined.trust_store / "dangling.pem").symlink_to("nowhere")
    assert only(check_trust_store, examined).level is Level.WARN


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_authority_is_found_alone_or_in_a_bundle(examined, line_end):
    own = (examined.state_dir / "ca" / "authority.crt").read_bytes()
    other = new_authority("Other", examined.now).certificate_pem
    (examined.trust_store / "ca-certificates.crt").write_bytes((other + own).replace(b"\n", line_end))
    assert only(check_trust_store, examined).level is Level.OK


@pytest.mark.parametrize(("days", "level"), [(100, Level.OK), (20, Level.WARN), (-1, Level.RED)])
def test_a_listeners_certificate_that_ends_is_noticed(examined, tmp_path, days, level):
    path = tmp_path / "listener.pem"
    certificate = new_authority("Listener", examined.now)
    path.write_bytes(certificate.certificate_pem)
    listener = Listener(address="127.0.0.1:8443", tls={"cert_file": str(path), "key_file": "/k.pem"})
    late = replace(with_proxy(examined, listen=(listener,)), now=certificate.expires - timedelta(days=days))
    assert only(check_listener_certificates, late).level is level


def test_listeners_without_tls_have_no_certificate(examined):
    assert check_listener_certificates(examined) == ()


def test_extra_trust_that_cannot_be_read_is_refused(examined, tmp_path):
    path = tmp_path / "extra.pem"
    path.write_bytes(new_authority("Extra", examined.now).certificate_pem)
    assert only(check_extra_trust, with_proxy(examined, extra_trust=(path,))).level is Level.OK
    path.write_bytes(b"broken")
    with pytest.raises(TrustRefused):
        check_extra_trust(with_proxy(examined, extra_trust=(path,)))
