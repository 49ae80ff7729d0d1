r"""Says whose signature is beside a trace.

What is signed is the run, the number of its lines, the hash of the last one and the time, behind words that
no other use of the key would sign:

    harness trace signature v1\n{"head":"<64 hex>","lines":151,"run_id":"…","time":"2026-01-02T03:04…Z"}

The signature and the public key are kept in `signature.json`. The public key there only says who claims to
have signed: whoever rewrites a trace can put another beside it. Compare it with a key that came another way.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from harness.trace.files import regular
from harness.trace.folder import SIGNATURE
from harness.trace.signing import DOMAIN, LARGEST, fingerprint, raw
from harness.trace.statement import Statement

State = Literal["missing", "unreadable", "does not match", "wrong key", "unchecked", "valid"]
"""What came of looking at a signature; `unchecked` is one that is right by a key that nobody vouched for."""


class _Kept(Statement):
    version: Literal[1]
    algorithm: Literal["ed25519"]
    key_id: str
    public_key: str
    signature: str


class Signed(NamedTuple):
    """What is known of a trace's signature."""

    state: State
    """What came of it."""
    detail: str
    """In words."""
    key_id: str | None = None
    """Fingerprint of the key, as `ssh-keygen -l` writes it."""
    time: str | None = None
    """When it was signed, as whoever signed it says."""

    @property
    def wrong(self) -> bool:
        """Whether the signature speaks against the trace."""
        return self.state in ("unreadable", "does not match", "wrong key")


def look(folder: Path, run_id: str, lines: int, head: str, keys: Sequence[Ed25519PublicKey]) -> Signed:
    """Look at the signature beside a trace.

    Args:
        folder: the run's folder.
        run_id: as the trace says.
        lines: as counted.
        head: as computed.
        keys: whose signature is looked for; without any, nobody vouches for the one that is there.
    """
    try:
        with regular(folder / SIGNATURE) as file:
            kept = _Kept.model_validate_json(file.read(LARGEST))
        given = base64.b64decode(kept.public_key, validate=True)
        signature = base64.b64decode(kept.signature, validate=True)
        public = Ed25519PublicKey.from_public_bytes(given)
    except FileNotFoundError:
        return Signed("missing", "nobody signed it")
    except OSError as error:
        return Signed("unreadable", f"{SIGNATURE} cannot be read: {error.strerror or error}")
    except (ValidationError, ValueError):
        return Signed("unreadable", f"{SIGNATURE} is not what the harness writes")
    name = fingerprint(public)
    said = Statement(run_id=kept.run_id, lines=kept.lines, head=kept.head, time=kept.time)
    if kept.key_id != name:
        return Signed("does not match", f"{SIGNATURE} was changed: it names a key that is not the one in it")
    try:
        public.verify(signature, said.data(DOMAIN))
    except InvalidSignature:
        told = f"{SIGNATURE} was changed: the signature is not over what it says"
        return Signed("does not match", told, name)
    differs = said.differs(run_id, lines, head)
    if differs:
        return Signed("does not match", f"{name} signed {differs}", name, kept.time)
    if keys and given not in [raw(key) for key in keys]:
        asked = " or ".join(fingerprint(key) for key in keys)
        return Signed("wrong key", f"it was signed by {name}, not by {asked}", name, kept.time)
    if not keys:
        told = f"signed by {name} at {kept.time}; whose key that is, --key PUBLIC would tell"
        return Signed("unchecked", told, name, kept.time)
    return Signed("valid", f"signed by {name} at {kept.time}", name, kept.time)
