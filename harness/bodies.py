"""What a trace keeps of the bodies of requests and answers, so that no secret is in it."""

import hashlib
import zlib
from typing import NamedTuple

from harness.gateway.base import Body, Exchange
from harness.gateway.body import COPIED
from harness.secrets import Redactor
from harness.trace.base import Recorder
from harness.trace.events import Noted
from harness.trace.redact import header

KEPT_BODIES = 512 * 1024 * 1024
"""Bytes of bodies that one trace keeps; of those beyond it has the size and the SHA-256."""

Headers = tuple[tuple[str, str], ...]
_DEFLATED = frozenset({"gzip", "x-gzip", "deflate"})
_OF_WHAT_CAME = frozenset({"content-encoding", "content-length"})


class Answered(NamedTuple):
    """What a trace says of an answer."""

    headers: Headers
    """Those that came, credentials by their length; where the blob is another text, without
    `content-encoding` and `content-length`."""
    body: str | None
    """Hex SHA-256 of the blob."""
    sha256: str | None
    """Hex SHA-256 of what came; nothing if secrets were replaced in the blob."""


class _Blob(NamedTuple):
    name: str | None
    decoded: bool = False


class Bodies:
    """The bodies of one run.

    Args:
        recorder: keeps them, secrets replaced.
        redactor: knows the secrets; nothing if there are none.
        longest: most bytes of one body.
        most: most bytes of all, each body counted once.
    """

    def __init__(
        self,
        recorder: Recorder,
        redactor: Redactor | None = None,
        *,
        longest: int = COPIED,
        most: int = KEPT_BODIES,
    ) -> None:
        self._recorder = recorder
        self._redactor = redactor if redactor and redactor.active else None
        self._longest = longest
        self._left = most
        self._known: set[str] = set()
        self._said: set[str] = set()

    async def request(self, body: Body, headers: Headers, step: int) -> str | None:
        """Keep a request's body and name its blob; nothing if it has none or is not kept.

        Raises:
            TraceError: if it cannot be written.
            OSError: if it cannot be read.
        """
        if not body.size:
            return None
        if self._refuses(body.size, step):
            return None
        data = b"".join([chunk async for chunk in body.chunks()])
        # The recorded request says how its body is encoded, and stays as it was judged.
        return self._keep(data, headers, step, decode=False).name

    def answer(self, exchange: Exchange, step: int) -> Answered:
        """Keep an answer's body, if it came whole.

        Raises:
            TraceError: if it cannot be written.
        """
        body = exchange.body
        headers = tuple((name, header(name, value)) for name, value in exchange.headers)
        if body is None or not body.size:
            return Answered(headers, None, None)
        data = None if self._refuses(body.size, step) else body.data
        if data is None:
            return Answered(headers, None, body.sha256)
        found = self._keep(data, exchange.headers, step, decode=True)
        if self._redactor is None:
            return Answered(headers, found.name, found.name)
        sha256 = hashlib.sha256(data).hexdigest()
        if found.name in (None, sha256):
            return Answered(headers, found.name, sha256)
        dropped = _OF_WHAT_CAME if found.decoded else _OF_WHAT_CAME - {"content-encoding"}
        kept = tuple((name, value) for name, value in headers if name not in dropped)
        return Answered(kept, found.name, None)

    def _refuses(self, size: int, step: int) -> bool:
        if size > self._longest:
            self._say(step, f"a body of more than {self._longest:,} bytes is not kept")
        elif size > self._left:
            self._say(step, "the bodies of this trace have reached what it may keep; later ones are not kept")
        else:
            return False
        return True

    def _say(self, step: int, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._recorder.write(Noted(step=step, text=f"{what}, only their size and SHA-256"))

    def _keep(self, data: bytes, headers: Headers, step: int, *, decode: bool) -> _Blob:
        coding = _coding(headers)
        if self._redactor is None or not coding:
            return _Blob(self._blob(data))
        plain = _inflated(data, self._longest) if coding in _DEFLATED else None
        if plain is None:
            self._say(step, "bodies that cannot be searched for secrets are not kept")
            return _Blob(None)
        if self._redactor.data(plain) == plain:
            return _Blob(self._blob(data))
        return _Blob(self._blob(plain), decoded=True) if decode else _Blob(None)

    def _blob(self, data: bytes) -> str:
        name = self._recorder.blob(data)
        if name not in self._known:
            self._known.add(name)
            self._left -= len(data)
        return name


def _coding(headers: Headers) -> str:
    said = ",".join(value for name, value in headers if name == "content-encoding")
    return ",".join(one for word in said.lower().split(",") if (one := word.strip()) not in ("", "identity"))


def _inflated(data: bytes, longest: int) -> bytes | None:
    # 47 reads gzip and zlib; some servers send deflate without zlib's head.
    for bits in (47, -15):
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(data, longest)
        except zlib.error:
            continue
        return plain if inflater.eof and not inflater.unused_data else None
    return None
