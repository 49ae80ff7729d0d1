"""`harness trace anchor`."""

import argparse
import http.client
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.cli.streams import show, show_json
from harness.cli.trace_sign import sound
from harness.errors import HarnessError, InputError
from harness.trace.anchor import append
from harness.trace.statement import Statement
from harness.trace.timestamp import LARGEST, certificates, keep, query

_SECONDS = 30.0


def add(traces: Any) -> None:
    """Declare what can be typed."""
    what = "keep a trace's head elsewhere, so that a trace rewritten as a whole is found out"
    sub = traces.add_parser("anchor", help=what, description=f"{what}. It may still be growing.")
    sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder")
    place = sub.add_mutually_exclusive_group(required=True)
    place.add_argument("--to", type=Path, metavar="FILE", help="an anchor file, which is only appended to")
    place.add_argument("--tsa", metavar="URL", help="a time-stamping authority (RFC 3161)")
    sub.add_argument(
        "--tsa-ca", type=Path, metavar="FILE", help="certificates, in PEM, that its answer must go back to"
    )
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=anchor)


def anchor(options: argparse.Namespace) -> int:
    """Keep a trace's head elsewhere."""
    if options.to is not None and options.tsa_ca is not None:
        raise InputError("--tsa-ca: goes with --tsa URL only")
    roots = certificates(options.tsa_ca) if options.tsa_ca else []
    folder, found = sound(options.trace, unfinished=True)
    said = Statement.of(found.run_id, found.lines, found.head, datetime.now(UTC))
    told: dict[str, str | int] = {"run_id": said.run_id, "lines": said.lines, "head": said.head}
    if options.to is not None:
        told |= {"anchor": str(options.to), "time": said.time, "hash": append(options.to, said)}
        words = f"{options.to}: line {told['hash']} holds {found.lines} lines of {options.trace}"
    else:
        request, nonce = query(said)
        moment = keep(folder, said, nonce, _asked(options.tsa, request), roots)
        told |= {"tsa": options.tsa, "time": moment.isoformat()}
        whom = "" if roots else "; whose word that is, --tsa-ca FILE would tell"
        words = f"{options.trace}: {found.lines} lines stamped at {moment.isoformat()}{whom}"
    if options.json:
        show_json(told)
    else:
        show(words)
    return 0


def _asked(url: str, request: bytes) -> bytes:
    """Send a question to an authority and give its answer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--tsa {url!r}: write a whole URL, such as https://tsa.example.com/")
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = made(parts.hostname, parts.port, timeout=_SECONDS)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    end = time.monotonic() + _SECONDS
    try:
        connection.request("POST", path, request, {"Content-Type": "application/timestamp-query"})
        reply = connection.getresponse()
        kind = reply.headers.get_content_type()
        answer = b""
        while len(answer) <= LARGEST and (piece := reply.read1(16_384)):
            answer += piece
            if time.monotonic() > end:
                raise TimeoutError(f"no whole answer within {_SECONDS:g} s")
    except (OSError, http.client.HTTPException) as error:
        raise HarnessError(
            f"--tsa {url}: cannot be asked: {str(error) or type(error).__name__}; nothing was anchored"
        ) from error
    finally:
        connection.close()
    if reply.status != 200 or kind != "application/timestamp-reply":
        raise HarnessError(f"--tsa {url}: answered {reply.status} with {kind[:100]}, which is no time stamp")
    return answer
