"""Keys in files, of every kind that people have."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.errors import InputError
from harness.trace.signing import PASSPHRASE, Signer, fingerprint, keygen, public_key


def kept(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, phrase: str = "") -> bytes:
    hidden = forms.BestAvailableEncryption(phrase.encode()) if phrase else forms.NoEncryption()
    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, hidden)


def ssh(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())


def test_a_pair_is_made_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        key_id = keygen(tmp_path / "key")
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert Signer.read(tmp_path / "key", {}).key_id == key_id
    assert fingerprint(public_key(tmp_path / "key.pub")) == key_id
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(InputError, match="key: is there already"):
        keygen(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before
    (tmp_path / "key").unlink()
    with pytest.raises(InputError, match=r"key\.pub: is there already"):
        keygen(tmp_path / "key")
    assert not (tmp_path / "key").exists()
    with pytest.raises(InputError, match="cannot be written"):
        keygen(tmp_path / "gone" / "key")


@pytest.mark.parametrize("form", [pem, ssh])
def test_private_and_public_keys_are_read_in_both_forms(
    tmp_path: Path, form: Callable[[Ed25519PrivateKey], bytes]
) -> None:
    key = Ed25519PrivateKey.generate()
    path = kept(tmp_path / "key", form(key))
    for environment in ({}, {PASSPHRASE: ""}, {PASSPHRASE: "another key's"}):
        assert Signer.read(path, environment).key_id == fingerprint(key.public_key())
    for coding, kind in (
        (forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo),
        (forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH),
    ):
        other = kept(tmp_path / "pub", key.public_key().public_bytes(coding, kind) + b" ada@example.org\n")
        if coding is forms.Encoding.OpenSSH or form is pem:
            assert public_key(other) == key.public_key()


def test_a_fingerprint_is_the_one_that_ssh_keygen_tells(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    path = kept(tmp_path / "pub", line + b"\n")
    try:
        told = subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("there is no ssh-keygen here")
    assert told.stdout.split()[1] == fingerprint(key.public_key())


def test_a_passphrase_comes_from_the_environment(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path = kept(tmp_path / "key", pem(key, "open sesame"))
    assert Signer.read(path, {PASSPHRASE: "open sesame"}).key_id == fingerprint(key.public_key())
    with pytest.raises(InputError, match=f"has a passphrase: give it in the environment as {PASSPHRASE}"):
        Signer.read(path, {})
    with pytest.raises(InputError, match=f"or {PASSPHRASE} is not its passphrase") as told:
        Signer.read(path, {PASSPHRASE: "open barley"})
    assert "barley" not in str(told.value)


def test_what_is_no_key_to_sign_with_is_said_and_nothing_of_it_is_shown(tmp_path: Path) -> None:
    good = pem(Ed25519PrivateKey.generate())
    for data, mode, why in (
        (good, 0o640, "others may read this private key; type chmod 600"),
        (good.replace(b"M", b"N", 3), 0o600, "is no private key"),
        (b"hunter2", 0o600, "is no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "is not an Ed25519 key"),
    ):
        with pytest.raises(InputError, match=why) as told:
            Signer.read(kept(tmp_path / "key", data, mode), {})
        assert "hunter2" not in str(told.value)
        assert good.splitlines()[1].decode() not in str(told.value)
    with pytest.raises(InputError, match="cannot be read"):
        Signer.read(tmp_path / "gone", {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        Signer.read(tmp_path / "pipe", {})
    for data in (b"hunter2", b"ssh-ed25519 nonsense", good):
        with pytest.raises(InputError, match="is no public key"):
            public_key(kept(tmp_path / "pub", data))


def test_a_signer_does_not_show_its_key(tmp_path: Path) -> None:
    keygen(tmp_path / "key")
    signer = Signer.read(tmp_path / "key", {})
    assert repr(signer) == f"Signer({signer.key_id})"
