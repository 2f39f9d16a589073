"""The authority: made once, kept private, refused when anything about it is wrong."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy import authority as module
from proxy.authority import (
    LIFE,
    Authority,
    AuthorityRefused,
    new_authority,
    open_authority,
    open_next,
    open_or_create,
    rotate,
    use_next,
)
from proxy.private_file import write_private

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ca"


def pem(key, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def test_the_first_run_makes_it_and_every_later_one_finds_it(folder):
    made = open_or_create(folder, "Example Unified", NOW)
    assert open_or_create(folder, "Another name", NOW + timedelta(days=400)).fingerprint == made.fingerprint
    assert open_authority(folder, NOW).certificate_pem == made.certificate_pem
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "authority.pem").stat().st_mode & 0o777 == 0o600
    assert (folder / "authority.crt").read_bytes() == made.certificate_pem


def test_it_says_what_it_may_do_and_no_more():
    certificate = new_authority("Example Unified", NOW).certificate
    extension = certificate.extensions.get_extension_for_class
    assert extension(x509.BasicConstraints).critical
    assert extension(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    usage = extension(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert list(extension(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.not_valid_before_utc <= NOW - timedelta(hours=23)
    assert certificate.not_valid_after_utc == NOW + LIFE
    certificate.verify_directly_issued_by(certificate)


def test_two_of_one_district_differ_in_key_subject_and_serial():
    one, two = (new_authority("Example Unified", NOW).certificate for _ in range(2))
    assert one.subject != two.subject
    assert one.serial_number != two.serial_number
    assert one.public_key() != two.public_key()


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("Example Unified", "Example Unified"),
        ("", "district"),
        ("x" * 300, "x" * 64),
        ("\u00d1" * 60, "\u00d1" * 32),
        ("a\0b\r\nc", "abc"),
    ],
)
def test_any_district_name_makes_a_certificate(name, organisation):
    subject = new_authority(name, NOW).certificate.subject
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == organisation


def test_processes_that_start_together_share_one_authority(folder, monkeypatch):
    together = threading.Barrier(4)
    real = module.new_authority

    def slow(district_name: str, now: datetime) -> Authority:
        together.wait(10)
        return real(district_name, now)

    monkeypatch.setattr(module, "new_authority", slow)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(open_or_create(folder, "Example", NOW).fingerprint))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert len(set(found)) == 1


def refusal(folder, now=NOW) -> str:
    messages = set()
    for open_it in (lambda: open_authority(folder, now), lambda: open_or_create(folder, "Example", now)):
        with pytest.raises(AuthorityRefused) as caught:
            open_it()
        messages.add(str(caught.value))
    assert len(messages) == 1, "both ways of opening it say the same"
    assert "\n" not in messages.copy().pop()
    assert "PRIVATE KEY" not in messages.copy().pop()
    return messages.pop()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused_with_the_command_to_run(folder, mode):
    open_or_create(folder, "Example", NOW)
    (folder / "authority.pem").chmod(mode)
    assert f"chmod 600 {folder}/authority.pem" in refusal(folder)


def test_a_folder_that_others_can_enter_is_refused_with_the_command_to_run(folder):
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(AuthorityRefused, match=f"chmod 700 {folder}"):
        open_or_create(folder, "Example", NOW)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("days", "says"), [(5 * 365, "expired on 2031"), (-2, "valid from 2026-11-21")])
def test_out_of_its_time_it_is_refused(folder, days, says):
    open_or_create(folder, "Example", NOW)
    assert says in refusal(folder, NOW + timedelta(days=days))


def test_a_missing_authority_is_made_by_none_but_the_first_run(folder):
    with pytest.raises(AuthorityRefused, match="start the filter once"):
        open_authority(folder, NOW)
    assert not folder.exists()


def _broken() -> list[tuple[str, bytes, str]]:
    good = new_authority("Example", NOW)
    other = new_authority("Example", NOW)
    rsa_key = rsa.generate_private_key(65537, 2048)
    p384 = ec.generate_private_key(ec.SECP384R1())
    whole = pem(good.key, good.certificate)
    return [
        ("empty", b"", "no usable key"),
        ("cut in the key", whole[:100], "no usable key"),
        ("cut in the certificate", whole[:-200], "no usable key"),
        ("the certificate alone", good.certificate_pem, "no usable key"),
        ("binary", b"\0\xff" * 400, "no usable key"),
        ("a password on the key", _encrypted(good), "no usable key"),
        ("another one's key", pem(other.key, good.certificate), "do not belong together"),
        ("an RSA key", pem(rsa_key, good.certificate), "not EC P-256"),
        ("another curve", pem(p384, good.certificate), "not EC P-256"),
        ("a server's certificate", _server(good), "not an authority's"),
        ("no basic constraints", _bare(good), "no usable key"),
        ("a megabyte", whole + b"#" * 1_000_000, "larger than"),
    ]


def _encrypted(authority: Authority) -> bytes:
    secret = serialization.BestAvailableEncryption(b"secret")
    key = authority.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    return key + authority.certificate_pem


def _builder(authority: Authority) -> x509.CertificateBuilder:
    name = authority.certificate.subject
    builder = x509.CertificateBuilder(name, name, authority.key.public_key(), 1, NOW, NOW + LIFE)
    return builder.add_extension(x509.SubjectKeyIdentifier(b"x" * 20), critical=False)


def _server(authority: Authority) -> bytes:
    builder = _builder(authority).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return pem(authority.key, builder.sign(authority.key, hashes.SHA256()))


def _bare(authority: Authority) -> bytes:
    return pem(authority.key, _builder(authority).sign(authority.key, hashes.SHA256()))


BROKEN = _broken()


@pytest.mark.parametrize(("what", "content", "says"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_file_is_refused_in_one_line_and_left_as_it_is(folder, what, content, says):
    folder.mkdir(mode=0o700)
    write_private(folder / "authority.pem", content)
    assert says in refusal(folder)
    assert (folder / "authority.pem").read_bytes() == content


def test_a_full_disk_leaves_nothing_half_written(folder, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proxy.private_file.os.fsync", full)
    with pytest.raises(AuthorityRefused, match="No space left"):
        open_or_create(folder, "Example", NOW)
    assert not list(folder.iterdir())


def test_rotation_changes_nothing_in_use_until_the_next_start(folder):
    """A worker that is started again after a crash signs with what its siblings sign with."""
    first = open_or_create(folder, "Example", NOW)
    second = rotate(folder, "Example", NOW)
    assert open_or_create(folder, "Example", NOW).fingerprint == first.fingerprint
    assert (folder / "authority.crt").read_bytes() == first.certificate_pem
    assert open_next(folder, NOW).fingerprint == second.fingerprint
    assert (folder / "next-authority.pem").stat().st_mode & 0o777 == 0o600
    assert use_next(folder, NOW).fingerprint == second.fingerprint
    assert open_or_create(folder, "Example", NOW).fingerprint == second.fingerprint
    assert (folder / "authority.crt").read_bytes() == second.certificate_pem
    assert use_next(folder, NOW) is None


def test_every_old_authority_is_kept(folder):
    first = open_or_create(folder, "Example", NOW)
    second = rotate(folder, "Example", NOW)
    use_next(folder, NOW)
    rotate(folder, "Example", NOW)
    use_next(folder, NOW)
    for name, old in (("authority-2026-11-22.pem", first), ("authority-2026-11-22-2.pem", second)):
        assert old.certificate_pem in (folder / name).read_bytes()
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_a_second_rotation_does_not_replace_what_devices_may_trust_already(folder):
    following = rotate(folder, "Example", NOW)
    with pytest.raises(AuthorityRefused, match=r"next-authority\.pem waits already; start the filter again"):
        rotate(folder, "Example", NOW)
    assert open_next(folder, NOW).fingerprint == following.fingerprint


def test_rotation_makes_the_first_one_too(folder):
    made = rotate(folder, "Example", NOW)
    assert use_next(folder, NOW).fingerprint == made.fingerprint
    assert open_authority(folder, NOW).fingerprint == made.fingerprint


def test_rotation_is_the_way_out_of_one_that_expired(folder):
    open_or_create(folder, "Example", NOW - LIFE)
    with pytest.raises(AuthorityRefused, match="ca rotate"):
        open_or_create(folder, "Example", NOW)
    rotate(folder, "Example", NOW)
    use_next(folder, NOW)
    assert open_or_create(folder, "Example", NOW).expires == NOW + LIFE


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "no usable key"),
        (lambda path: path.rename(path.with_name("x")) and path.symlink_to("x"), "symbolic link"),
    ],
    ids=["shared", "cut", "link"],
)
def test_a_next_authority_that_cannot_be_used_is_refused_and_the_old_one_stays(folder, break_it, says):
    first = open_or_create(folder, "Example", NOW)
    rotate(folder, "Example", NOW)
    break_it(folder / "next-authority.pem")
    with pytest.raises(AuthorityRefused, match=says):
        use_next(folder, NOW)
    assert open_authority(folder, NOW).fingerprint == first.fingerprint


def test_without_a_next_authority_there_is_none_to_export(folder):
    open_or_create(folder, "Example", NOW)
    with pytest.raises(AuthorityRefused, match="make it with: breakwater ca rotate"):
        open_next(folder, NOW)


def test_an_exported_copy_that_differs_is_made_again(folder):
    made = open_or_create(folder, "Example", NOW)
    (folder / "authority.crt").write_bytes(b"another")
    open_or_create(folder, "Example", NOW)
    assert (folder / "authority.crt").read_bytes() == made.certificate_pem


def test_the_revocation_list_is_empty_signed_and_good_for_a_week():
    authority = new_authority("Example", NOW)
    crl = x509.load_der_x509_crl(authority.crl(NOW))
    assert crl.is_signature_valid(authority.certificate.public_key())
    assert len(crl) == 0
    assert crl.issuer == authority.certificate.subject
    assert crl.last_update_utc < NOW
    assert crl.next_update_utc == NOW + timedelta(days=7)
    later = x509.load_der_x509_crl(authority.crl(NOW + timedelta(seconds=1)))
    number = x509.CRLNumber
    assert later.extensions.get_extension_for_class(number).value.crl_number > (
        crl.extensions.get_extension_for_class(number).value.crl_number
    )


def test_its_description_holds_what_people_compare_and_no_key():
    authority = new_authority("Example Unified", NOW)
    text = "\n".join(module.description(authority))
    assert "Example Unified" in text
    assert authority.certificate.fingerprint(hashes.SHA256()).hex().upper() in text.replace(":", "")
    assert "2031-11-21" in text
    assert "PRIVATE" not in text


def test_the_key_is_in_no_repr():
    assert "key=" not in repr(new_authority("Example", NOW))
