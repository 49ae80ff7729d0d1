"""One request, from its head to its end: judged, forwarded as the ticket says, answered, accounted for."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.events import Request as Opening
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from harness.clearance import Cleared, Refusal, Request
from harness.errors import NotClearedError
from harness.gateway import head as heads
from harness.gateway import refusal, url
from harness.gateway.base import Answer, Exchange, Headers, Keeper, Upstream, UpstreamError
from harness.gateway.body import BodyTooLargeError, Copy, Spool
from harness.gateway.framing import MalformedError
from harness.gateway.http1 import Conversation, Head
from harness.gateway.leaks import Guard
from harness.gateway.websocket import Counted, Line, Tally, pump

_BROKEN = "gateway error"


@dataclass
class Core:
    """What all connections of one gateway share."""

    keeper: Keeper
    hosts: Mapping[str, Upstream]
    internet: Upstream | None
    ids: Callable[[], str]
    clock: Callable[[], float]
    body_limit: int | None
    noticed: Callable[[str], None]
    guard: Guard
    allowlist: str | None = None
    broken: str | None = None
    """Why nothing is admitted any more."""

    def route(self, address: url.Address) -> Upstream:
        """Say who answers for an address.

        Raises:
            UpstreamError: if nobody does.
        """
        if address.host in self.hosts:
            if address.port in {80, 443}:
                return self.hosts[address.host]
            raise UpstreamError(f"{address.host} is served on ports 80 and 443 only, not on {address.port}")
        if self.internet is None:
            raise UpstreamError(
                f"{address.host} is not one of this run's hosts, and the run has no internet",
                rule="no internet",
            )
        return self.internet


@dataclass(frozen=True)
class _Job:
    """A request that may happen, and where."""

    address: url.Address
    request: Request
    ticket: Cleared


@dataclass
class _Account:
    """Adds up what becomes of an admitted request, and reports it once."""

    core: Core
    id: str
    started: float
    status: int | None = None
    sent: int = 0
    received: int = 0
    error: str | None = None
    tally: Tally | None = None
    whole: bool = False
    """Whether the browser was sent all of the answer."""
    headers: Headers = ()
    body: Copy | None = None
    ended: bool = False
    """Whether the upstream's answer came to its end."""
    _told: bool = field(default=False, repr=False)

    def close(self) -> None:
        if self._told:
            return
        self._told = True
        tally = self.tally
        exchange = Exchange(
            id=self.id,
            status=self.status,
            sent=tally.out_bytes if tally else self.sent,
            received=tally.in_bytes if tally else self.received,
            messages=(tally.out, tally.inn) if tally else None,
            seconds=max(0.0, self.core.clock() - self.started),
            error=self.error,
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers),
            body=self.body if self.ended or self.whole else None,
        )
        try:
            self.core.keeper.finished(exchange)
        except Exception as error:  # noqa: BLE001 - what cannot be recorded must not go on, whatever the cause
            self.core.broken = f"an exchange could not be recorded: {_said(error)}"
            self.core.noticed(self.core.broken)
        finally:
            if self.body:
                self.body.close()


async def handle(core: Core, talk: Conversation, address: url.Address, head: Head) -> bool:
    """Take one request whose head was read, and say whether the connection can be used again.

    Raises:
        MalformedError: if its body or handshake is; nothing was forwarded.
        OSError: if the browser is gone.
    """
    started = core.clock()
    opening = _opening(talk, address, head)
    size = int(head.fields.get(b"content-length", b"0"))
    bare = not size and b"transfer-encoding" not in head.fields
    request = heads.build(
        core.ids(), head.method, address, head.headers, websocket=opening is not None, size=size
    )
    request = core.guard.head(request)
    with Spool(core.body_limit) as body:
        if bare:
            talk.no_body()
        else:
            early = _preview(core, request)
            if early:
                return await _refuse(talk, request, early, read=False)
            try:
                async with contextlib.aclosing(talk.body()) as chunks:
                    async for chunk in chunks:
                        body.write(chunk)
            except BodyTooLargeError as error:
                return await _refuse(talk, request, Refusal(rule="body limit", reason=str(error)), read=False)
        seen = {"body_sha256": body.sha256, "body_size": body.size, "body_text": body.text(request.headers)}
        request = request.model_copy(update=seen)
        with talk.stream.watched():
            request = await core.guard.whole(request, body)
            ticket = await _admit(core, request, body, started)
            if isinstance(ticket, Refusal):
                return await _refuse(talk, request, ticket)
            account = _Account(core, request.id, started)
            return await _carry(talk, _Job(address, request, ticket), opening or body, account)


async def _carry(talk: Conversation, job: _Job, what: WSConnection | Spool, account: _Account) -> bool:
    try:
        if talk.stream.gone:
            raise ConnectionResetError("the browser hung up")
        if isinstance(what, Spool):
            return await _forward(talk, job, what, account)
        return await _connect(talk, job, what, account)
    except asyncio.CancelledError:
        if not account.whole:
            account.error = "the browser hung up" if talk.stream.gone else "the gateway was closed"
        raise
    except ConnectionError as error:
        account.error = account.error or str(error)
        raise
    finally:
        account.close()


def _opening(talk: Conversation, address: url.Address, head: Head) -> WSConnection | None:
    if address.scheme not in {"ws", "wss"}:
        return None
    if talk.unread:
        raise MalformedError("there are bytes after the WebSocket's handshake")
    opening = WSConnection(ConnectionType.SERVER)
    try:
        opening.initiate_upgrade_connection(list(head.headers), head.target)
    except (RemoteProtocolError, LocalProtocolError, UnicodeError) as error:
        raise MalformedError(f"not a WebSocket handshake: {error}") from None
    return opening


def _preview(core: Core, request: Request) -> Refusal | None:
    if core.broken:
        return Refusal(rule=_BROKEN, reason=core.broken)
    try:
        return core.keeper.preview(request)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in judging is a refusal
        return Refusal(rule=_BROKEN, reason=f"the request could not be judged: {_said(error)}")


async def _admit(core: Core, request: Request, body: Spool, started: float) -> Cleared | Refusal:
    if core.broken:
        return Refusal(rule=_BROKEN, reason=core.broken)
    try:
        answer: object = await core.keeper.admit(request, body)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in judging is a refusal
        why = f"the request could not be judged: {_said(error)}"
    else:
        if isinstance(answer, Refusal):
            return answer
        if isinstance(answer, Cleared) and answer.effect == request and not request.leaks:
            return answer
        why = "the ticket is not for this request"
    _Account(core, request.id, started, status=403, error=f"{_BROKEN}: {why}").close()
    return Refusal(rule=_BROKEN, reason=why)


async def _refuse(talk: Conversation, request: Request, why: Refusal, *, read: bool = True) -> bool:
    return await _show(talk, request, 403, why.rule, why.reason) and read


async def _show(talk: Conversation, request: Request, status: int, rule: str, why: str) -> bool:
    reason, headers, body = refusal.page(request, status, rule, why)
    await talk.head(status, reason, headers)
    if request.method != "HEAD":
        await talk.data(body)
    return await talk.end()


async def _forward(talk: Conversation, job: _Job, body: Spool, account: _Account) -> bool:
    request = job.request
    try:
        answer = await account.core.route(job.address).send(job.ticket, body)
    except Exception as error:  # noqa: BLE001 - an upstream runs code that is not ours, such as an app
        return await _failed(talk, request, error, account)
    account.sent = body.size
    try:
        return await _stream(talk, request, answer, account)
    finally:
        if isinstance(answer.body, AsyncGenerator):
            await answer.body.aclose()


async def _stream(talk: Conversation, request: Request, answer: Answer, account: _Account) -> bool:
    # A 407 would make the browser ask a person for this proxy's password.
    if answer.status < 200 or answer.status == 407:
        unusable = UpstreamError(f"the server answered {answer.status}, which cannot be passed on")
        return await _failed(talk, request, unusable, account)
    headers = heads.answer_headers(answer.headers, answer.status)
    if account.core.allowlist is not None:
        headers = heads.fenced(headers, request.resource, account.core.allowlist)
    try:
        await talk.head(answer.status, answer.reason, headers)
    except UpstreamError as error:
        return await _failed(talk, request, error, account)
    account.status, account.headers = answer.status, answer.headers
    length = next((int(value) for name, value in answer.headers if name == b"content-length"), None)
    try:
        if request.method != "HEAD" and answer.status not in {204, 304}:
            copy = account.body = Copy()
            async for chunk in answer.body:
                _count(account, chunk)
                copy.write(chunk)
                await talk.data(chunk)
                account.received += len(chunk)
                account.whole = account.received == length
        reusable = await talk.end()
        account.ended = True
        return reusable
    except UpstreamError as error:
        account.error = str(error)
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 - an upstream runs code that is not ours, such as an app
        account.error = f"the answer broke off: {_said(error)}"
    # Hanging up without the end is the only way to say that the body is not whole.
    talk.abort()
    return False


def _count(account: _Account, chunk: bytes) -> None:
    refusal = account.core.keeper.arrived(len(chunk))
    if refusal is not None:
        raise UpstreamError(f"the answer was broken off: {refusal.reason}")


async def _failed(talk: Conversation, request: Request, error: Exception, account: _Account) -> bool:
    match error:
        case UpstreamError():
            status, rule, why = error.status, error.rule, str(error)
        case NotClearedError():
            status, rule, why = 403, _BROKEN, str(error)
        case _:
            status, rule, why = 502, "upstream", f"the upstream failed: {_said(error)}"
    account.error, account.status = why, status
    return await _show(talk, request, status, rule, why)


async def _connect(talk: Conversation, job: _Job, opening: WSConnection, account: _Account) -> bool:
    request, tally = job.request, Tally(job.request.id, account.core.keeper)
    try:
        reached = await account.core.route(job.address).connect(job.ticket)
        upstream = account.core.guard.socket(request.url, Counted(reached, tally))
    except Exception as error:  # noqa: BLE001 - an upstream runs code that is not ours, such as an app
        return await _failed(talk, request, error, account)
    offered = next((event.subprotocols for event in opening.events() if isinstance(event, Opening)), [])
    try:
        extra = list(heads.answer_headers(upstream.headers, 101))
        accepted = opening.send(AcceptConnection(subprotocol=upstream.subprotocol, extra_headers=extra))
    except (LocalProtocolError, h11.LocalProtocolError) as error:
        await upstream.close(1002)
        why = f"{error} (offered: {', '.join(offered) or 'none'})"
        return await _failed(
            talk, request, UpstreamError(f"the handshake cannot be passed on: {why}"), account
        )
    account.status, account.headers, account.tally = 101, upstream.headers, tally
    browser = Line(talk.stream, opening)
    try:
        await talk.stream.write(accepted)
        await pump(browser, upstream)
        if browser.too_long:
            tally.too_long(browser.too_long, out=True)
    except OSError as error:
        account.error = str(error)
    except Exception as error:  # noqa: BLE001 - an upstream runs code that is not ours, such as an app
        account.error = f"the WebSocket broke: {_said(error)}"
    finally:
        await upstream.close(1001)
    return False


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
