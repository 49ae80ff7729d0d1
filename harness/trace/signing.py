"""The keys that sign traces: Ed25519, in files."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from harness.errors import InputError
from harness.trace.files import regular
from harness.trace.folder import SIGNATURE
from harness.trace.statement import Statement, put

PASSPHRASE = "HARNESS_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
"""The environment variable with the passphrase of a private key that has one."""
DOMAIN = b"harness trace signature v1\n"
"""Stands before what is signed."""
LARGEST = 64 * 1024
"""Bytes a key or a signature may have."""


class Signer:
    """A private key. It never shows itself."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Take the key."""
        self._key = key

    def __repr__(self) -> str:
        return f"Signer({fingerprint(self._key.public_key())})"

    @classmethod
    def read(cls, path: Path, environment: Mapping[str, str]) -> "Signer":
        """Read a private key: PEM (PKCS8) or OpenSSH, Ed25519, with a passphrase or without.

        Args:
            path: the key's file, which only its owner may read.
            environment: where `HARNESS_KEY_PASSPHRASE` is looked for.

        Raises:
            InputError: if it cannot be used; the message has nothing of the key in it.
        """
        data = _read(path, private=True)
        phrase = environment.get(PASSPHRASE) or None
        try:
            key = _private(data, phrase)
        except TypeError:
            raise InputError(
                f"{path}: the key has a passphrase: give it in the environment as {PASSPHRASE}"
            ) from None
        except UnsupportedAlgorithm:
            raise InputError(
                f"{path}: is of a kind that cannot be read here; for an OpenSSH key with a passphrase type "
                "pip install bcrypt"
            ) from None
        except ValueError:
            other = f", or {PASSPHRASE} is not its passphrase" if phrase else ""
            raise InputError(
                f"{path}: is no private key in PEM or OpenSSH form, or damaged{other}; "
                "`harness trace keygen FILE` makes one"
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise InputError(f"{path}: is not an Ed25519 key; `harness trace keygen FILE` makes one")
        return cls(key)

    @property
    def key_id(self) -> str:
        """Its fingerprint."""
        return fingerprint(self._key.public_key())

    def sign(self, folder: Path, statement: Statement) -> None:
        """Put `signature.json` into a run's folder.

        Raises:
            TraceError: if there is one already, or it cannot be written.
        """
        public = self._key.public_key()
        kept = {
            "version": 1,
            "algorithm": "ed25519",
            **statement.model_dump(),
            "key_id": fingerprint(public),
            "public_key": _text(raw(public)),
            "signature": _text(self._key.sign(statement.data(DOMAIN))),
        }
        put(folder / SIGNATURE, json.dumps(kept, indent=2).encode("ascii") + b"\n")


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key: PEM, or a line as OpenSSH writes it.

    Raises:
        InputError: if it cannot be used.
    """
    data = _read(path, private=False)
    load = (
        serialization.load_ssh_public_key if data.startswith(b"ssh-") else serialization.load_pem_public_key
    )
    try:
        key = load(data)
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(
            f"{path}: is no public key in PEM or OpenSSH form; `harness trace keygen FILE` makes FILE.pub"
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: is not an Ed25519 key")
    return key


def keygen(path: Path) -> str:
    """Make a pair of keys, `path` for its owner alone and `path.pub`, and give the fingerprint.

    Raises:
        InputError: if one of the files is there already, or they cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    second = path.with_name(path.name + ".pub")
    for one in (path, second):
        if one.exists():
            raise InputError(f"{one}: is there already; a key is never written over: name another file")
    try:
        for one, data, mode in ((path, private, 0o600), (second, public, 0o644)):
            with os.fdopen(os.open(one, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
    except OSError as error:
        raise InputError(f"{one}: cannot be written: {error.strerror or error}; name another file") from error
    return fingerprint(key.public_key())


def fingerprint(key: Ed25519PublicKey) -> str:
    """Give a key's fingerprint as `ssh-keygen -l` writes it: `SHA256:…`."""
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{_text(digest).rstrip('=')}"


def _read(path: Path, *, private: bool) -> bytes:
    try:
        with regular(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(LARGEST)
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read: {error.strerror or error}") from error
    if private and mode & 0o077:
        raise InputError(f"{path}: others may read this private key; type chmod 600 {path}")
    return data


def _private(data: bytes, phrase: str | None) -> object:
    secret = phrase.encode() if phrase else None
    ssh = b"OPENSSH" in data[:64]
    load = serialization.load_ssh_private_key if ssh else serialization.load_pem_private_key
    try:
        return load(data, secret)
    except TypeError:
        # The passphrase may be another key's: this one may have none.
        return load(data, None) if secret else load(data, secret)


def raw(key: Ed25519PublicKey) -> bytes:
    """Give the 32 bytes of a public key."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
