r"""Has a time-stamping authority (RFC 3161) say that a trace was there, and checks what it said.

The authority is sent a hash and nothing else. `anchor.tsr` is its answer as it came, which `openssl ts` reads
too, and `anchor.json` is what was stamped:

    harness trace anchor v1\n{"head":"<64 hex>","lines":151,"run_id":"…","time":"2026-01-02T03:04…Z"}
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from pydantic import ValidationError

from harness.errors import HarnessError, InputError, TraceError
from harness.trace.anchor import Anchored, compared, hashes_at
from harness.trace.files import regular
from harness.trace.folder import STAMP, STAMPED
from harness.trace.lines import stamp
from harness.trace.statement import Statement, absent, put

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

DOMAIN = b"harness trace anchor v1\n"
"""Stands before what is stamped."""
LARGEST = 256 * 1024
"""Bytes an answer may have."""
SKEW = timedelta(minutes=5)
"""By how much the authority's clock may differ from the one of whoever asked."""


class _Kept(Statement):
    version: Literal[1]
    nonce: str


def query(said: Statement) -> tuple[bytes, int]:
    """Give what an authority is asked, in DER, and the number that its answer must repeat.

    Raises:
        HarnessError: if the package that speaks RFC 3161 is not installed.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _without(error) from error
    builder = TimestampRequestBuilder().data(said.data(DOMAIN)).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.cert_request(cert_request=True).build()
    assert request.nonce is not None  # noqa: S101 - the builder was not told to leave it out
    return request.as_bytes(), request.nonce


def keep(
    folder: Path, said: Statement, nonce: int, answer: bytes, roots: Sequence[x509.Certificate]
) -> datetime:
    """Check an answer, put it beside a trace, and give its time.

    Args:
        folder: the run's folder.
        said: what was stamped.
        nonce: the number that `query` gave.
        answer: the TimeStampResp, in DER.
        roots: whom to trust; without any, what is stamped is checked, and not by whom.

    Raises:
        TraceError: if the answer is not a good one, and nothing was kept; or if it cannot be written.
    """
    moment = _stamped(answer, said, nonce, roots)
    kept = {"version": 1, **said.model_dump(), "nonce": str(nonce)}
    absent(folder / STAMP)
    put(folder / STAMPED, json.dumps(kept, indent=2).encode("ascii") + b"\n")
    put(folder / STAMP, answer)
    return moment


def stamped(events: Path, run_id: str, roots: Sequence[x509.Certificate]) -> Anchored:
    """Look at the time stamp beside a trace.

    Args:
        events: the trace's events file.
        run_id: what the trace calls its run.
        roots: whom to trust; without any, a stamp that fits is `unchecked`.

    Raises:
        HarnessError: if the package that speaks RFC 3161 is not installed.
        TraceError: if the trace cannot be read.
    """
    folder = events.parent
    try:
        with regular(folder / STAMP) as file:
            answer = file.read(LARGEST + 1)
        with regular(folder / STAMPED) as file:
            kept = _Kept.model_validate_json(file.read(LARGEST))
        nonce = int(kept.nonce)
    except FileNotFoundError as error:
        return Anchored("missing", f"{Path(error.filename).name} is not there: it has no time stamp")
    except OSError as error:
        return Anchored("broken", f"{STAMP} cannot be read: {error.strerror or error}")
    except (ValidationError, ValueError):
        return Anchored("broken", f"{STAMPED} is not what the harness writes")
    said = Statement(run_id=kept.run_id, lines=kept.lines, head=kept.head, time=kept.time)
    if said.run_id != run_id:
        what = f"{STAMPED} is about run {said.run_id[:100]!r}, and this is {run_id[:100]!r}"
        return Anchored("differs", what, said.lines, said.time)
    try:
        moment = _stamped(answer, said, nonce, roots)
    except TraceError as error:
        return Anchored("broken", str(error), said.lines, said.time)
    found = hashes_at(events, {said.lines}).get(said.lines)
    told = compared(said.model_copy(update={"time": stamp(moment)}), found, STAMP)
    if roots or told.state != "holds":
        return told
    return told._replace(state="unchecked", detail=f"{told.detail}; by whom, --tsa-ca FILE would tell")


def certificates(path: Path) -> list[x509.Certificate]:
    """Read certificates of authorities to trust, in PEM.

    Raises:
        InputError: if there is none.
    """
    try:
        with regular(path) as file:
            return x509.load_pem_x509_certificates(file.read(1 << 20))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError:
        raise InputError(f"{path}: holds no certificate in PEM form") from None


def _stamped(answer: bytes, said: Statement, nonce: int, roots: Sequence[x509.Certificate]) -> datetime:
    """Give the time of a good answer."""
    try:
        from rfc3161_client import PKIStatus, VerificationError, VerifierBuilder  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _without(error) from error
    response = _parsed(answer)
    if response.status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
        why = "; ".join(response.status_string)[:300] or f"status {response.status}"
        raise TraceError(f"the time-stamping authority refused: {why}")
    digest = hashlib.sha256(said.data(DOMAIN)).digest()
    try:
        info = response.tst_info
        imprint, moment = info.message_imprint.message, info.gen_time.replace(tzinfo=UTC)
    except ValueError:
        raise TraceError("the time stamp is refused: what it says cannot be read") from None
    if imprint != digest:
        raise TraceError("the time stamp is refused: it stamps something else than this trace")
    if info.nonce != nonce:
        raise TraceError("the time stamp is refused: it answers another question (its nonce is another)")
    try:
        if roots:
            VerifierBuilder(roots=list(roots), nonce=nonce).build().verify(response, digest)
    except (VerificationError, ValueError) as error:
        why = "is the authority's certificate in the file of --tsa-ca, and was it valid then?"
        raise TraceError(f"the time stamp is refused: {error}; {why}") from None
    asked = datetime.fromisoformat(said.time)
    if abs(moment - asked) > SKEW:
        raise TraceError(
            f"the time stamp is refused: its time is {stamp(moment)}, and it was asked for at {said.time}: "
            "one of the clocks is wrong, or it was asked for at another time"
        )
    return moment


def _parsed(answer: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - an extra

    if len(answer) > LARGEST:
        raise TraceError(f"the time stamp is refused: it has more than {LARGEST:,} bytes")
    try:
        return decode_timestamp_response(answer)
    except ValueError:
        raise TraceError("the time stamp is refused: it is no answer as RFC 3161 has it") from None


def _without(error: ModuleNotFoundError) -> HarnessError:
    return HarnessError(
        f"time stamps need the package {error.name!r}: type pip install 'computer-use-harness[anchor]'"
    )
