"""The same hostile pages and URLs at every system, in one run, heard by the same canaries."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks.peers.peer import OpenWorld, Peer, PeerError
from benchmarks.peers.table import Contest, Play, Row, System
from harness.evals.containment.board import Arm, Board
from harness.evals.containment.cases import Case, GotoProbe, PageProbe
from harness.evals.containment.play import play
from harness.evals.containment.play_driven import coloured
from harness.evals.containment.rig import COMMON, Rig, rigged
from harness.evals.containment.runner import unowned
from harness.evals.containment.site import Page
from harness.evals.containment.targets import spot
from harness.sandbox.bubblewrap import BubblewrapSandbox
from playwright.async_api import Error as PlaywrightError

KINDS = ("url", "scheme", "navigation", "subresource", "socket", "address")
"""The classes that a browser of anyone's can be tried with; the others need our gateway, walls or loop."""
_PLAY_SECONDS = 30.0
_HEARD_SECONDS = 1.5
_LAST_SECONDS = 1.5
_RESTARTS = 16
_AGAIN_LANES = 4
_EMPTY = len("<html><head></head><body></body></html>")
_STRONG = frozenset({"HTTP", "TCP", "UDP", "forbidden request", "pixels", "window"})


@dataclass
class Contender:
    """A peer that takes part."""

    system: System
    make: Callable[[], Awaitable[Callable[[], Peer]]]
    """Installs it, and gives what makes one browser of it; raises `PeerError`."""
    lanes: int = 2
    """How many of its browsers work at a time."""


@dataclass
class _Part:
    """What came of one system's cases so far."""

    tokens: dict[str, str] = field(default_factory=dict)
    counterparts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    unmade: dict[str, str] = field(default_factory=dict)
    missing: str = ""
    restarts: int = 0


class _Served(dict[str, Page]):
    """The hostile pages, by token; notes which of them were fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()

    def __getitem__(self, token: str) -> Page:
        self.tokens.add(token)
        return super().__getitem__(token)


Told = Callable[[str, int], None]
"""Is told which system has done how many cases."""


async def contest(
    cases: Sequence[Case], ours: System, contenders: Sequence[Contender], told: Told, *, lanes: int = 2
) -> Contest:
    """Try every case without a boundary, at every peer and in our sandbox.

    Raises:
        SandboxError: if our own sandbox, or a network without a boundary, cannot be had here.
    """
    parts = {one.system.name: _Part() for one in contenders}
    ready = {one.system.name: await _ready(one, parts[one.system.name]) for one in contenders}
    started = time.monotonic()
    async with rigged(BubblewrapSandbox) as rig:
        served = _Served()
        rig.site.pages = served
        rig.browser("open")
        control, own = _Part(), _Part()
        async with asyncio.TaskGroup() as group:
            sides: tuple[tuple[str, Arm, _Part], ...] = (
                ("no boundary", "open", control),
                (ours.name, "walled", own),
            )
            for name, arm, part in sides:
                done = partial(told, name)
                group.create_task(_suite(rig, cases, arm, part, done=done, lanes=lanes))
            for one in contenders:
                name = one.system.name
                if make := ready[name]:
                    group.create_task(_peer(rig, cases, one, parts[name], make, told=told))
        await _again(rig, cases, control)
        # What a page does after it is gone, such as a beacon, comes late.
        await asyncio.sleep(_LAST_SECONDS)
        parts[ours.name] = own
        rows = tuple(
            Row(
                case.id,
                case.kind,
                case.says,
                tuple(sorted(rig.board.signs(control.tokens[case.id]))),
                {name: _outcome(rig.board, served, case, part) for name, part in parts.items()},
            )
            for case in cases
        )
        stray, _ = unowned(rig.board)
        browser, notes = rig.walled.info.browser, tuple(rig.notes)
    systems = tuple(
        replace(one, missing=parts[one.name].missing) for one in (*(one.system for one in contenders), ours)
    )
    return Contest(systems, rows, browser, time.monotonic() - started, notes, stray)


def _outcome(board: Board, served: _Served, case: Case, part: _Part) -> Play:
    token = part.tokens.get(case.id)
    if token is None:
        return Play(made=False, note=part.missing or "its turn did not come")
    counterpart = part.counterparts.get(case.id)
    unmade = part.unmade.get(case.id, "")
    if isinstance(case.probe, PageProbe) and token not in served.tokens:
        unmade = unmade or "its page was never fetched"
    return Play(
        signs=tuple(sorted(board.signs(token))),
        made=not unmade,
        works=board.was_reached(counterpart) if counterpart else None,
        note=unmade or part.notes.get(case.id, ""),
    )


async def _suite(
    rig: Rig, cases: Sequence[Case], arm: Arm, part: _Part, *, done: Callable[[int], None], lanes: int
) -> None:
    """Play the cases as the containment suite does."""
    waiting = list(reversed(cases))

    async def work() -> None:
        while waiting:
            case = waiting.pop()
            played = await play(rig, case, arm)
            part.tokens[case.id], part.notes[case.id] = played.token, played.note
            quiet = not rig.board.signs(part.tokens[case.id])
            if quiet and arm == "walled" and not case.uncounted:
                part.counterparts[case.id] = (await play(rig, case, "allowed")).token
            if quiet and isinstance(case.probe, PageProbe) and case.probe.click and part.notes[case.id]:
                part.unmade[case.id] = part.notes[case.id]
            done(len(part.tokens))

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(work())


async def _again(rig: Rig, cases: Sequence[Case], control: _Part) -> None:
    """Give every control of which nothing was heard another chance, now that the machine is quieter."""
    silent = [case for case in cases if not rig.board.signs(control.tokens[case.id])]

    async def work() -> None:
        while silent:
            case = silent.pop()
            played = await play(rig, case, "open")
            control.tokens[case.id], control.notes[case.id] = played.token, played.note

    async with asyncio.TaskGroup() as group:
        for _ in range(_AGAIN_LANES):
            group.create_task(work())


async def _ready(one: Contender, part: _Part) -> Callable[[], Peer] | None:
    try:
        return await one.make()
    except PeerError as error:
        part.missing = f"it could not be installed: {error}"
        return None


async def _peer(
    rig: Rig, cases: Sequence[Case], one: Contender, part: _Part, make: Callable[[], Peer], *, told: Told
) -> None:
    waiting = list(reversed(cases))

    def done() -> None:
        told(one.system.name, len(part.tokens))

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(one.lanes):
                folder = f"{''.join(filter(str.isalnum, one.system.name))}-{number}"
                group.create_task(_lane(rig, waiting, part, make, folder=folder, done=done))
    except* PeerError as errors:
        part.missing = str(errors.exceptions[0])
    if waiting and not part.missing:
        part.missing = f"{len(waiting)} cases were not tried"


async def _lane(
    rig: Rig,
    waiting: list[Case],
    part: _Part,
    make: Callable[[], Peer],
    *,
    folder: str,
    done: Callable[[], None],
) -> None:
    """Play what waits, with one browser after another: one that fails is made anew."""
    for turn in itertools.count():
        if not waiting:
            return
        async with _opened(rig, f"{folder}-{turn}", make) as peer:
            while waiting:
                case = waiting.pop()
                try:
                    async with asyncio.timeout(_PLAY_SECONDS):
                        await _case(rig, case, peer, part)
                        await peer.blank()
                except (PeerError, TimeoutError, OSError, PlaywrightError) as error:
                    _failed(rig, case, part, error)
                    break
                finally:
                    done()


def _failed(rig: Rig, case: Case, part: _Part, error: Exception) -> None:
    """Keep that a browser failed: of a case that it did not come to, nothing is said."""
    quiet = case.id not in part.tokens or not rig.board.signs(part.tokens[case.id])
    if quiet and case.id not in part.counterparts:
        part.unmade[case.id] = str(error) or f"it did not end within {_PLAY_SECONDS:g} s"
    part.restarts += 1
    if part.restarts > _RESTARTS:
        raise PeerError(f"it failed {part.restarts} times; last: {error}") from error


@contextlib.asynccontextmanager
async def _opened(rig: Rig, name: str, make: Callable[[], Peer]) -> AsyncGenerator[Peer]:
    folder = rig.folder / name
    folder.mkdir()
    peer = make()
    try:
        await peer.open(OpenWorld(folder, rig.folder / "world.sock", (*COMMON, *rig.canaries.ports)))
        yield peer
    finally:
        await peer.close()


async def _case(rig: Rig, case: Case, peer: Peer, part: _Part) -> None:
    """Play a case at a peer; and if nothing is heard of it, the same at an allowed host."""
    token = rig.board.token(case.id, "open")
    part.tokens[case.id] = token
    part.notes[case.id] = await _attempt(rig, case, peer, token, "open")
    await rig.board.until(token, lambda: bool(rig.board.signs(token) & _STRONG), _HEARD_SECONDS)
    if isinstance(case.probe, GotoProbe) and case.probe.shows:
        await _look(rig, case.probe, peer, token)
    if rig.board.signs(token) or case.uncounted:
        return
    clicked = isinstance(case.probe, PageProbe) and case.probe.click
    if clicked and part.notes[case.id]:
        part.unmade[case.id] = part.notes[case.id]
        return
    await peer.blank()
    other = rig.board.token(case.id, "allowed")
    part.counterparts[case.id] = other
    await _attempt(rig, case, peer, other, "allowed")
    await rig.board.until(other, lambda: rig.board.was_reached(other), _HEARD_SECONDS)


async def _attempt(rig: Rig, case: Case, peer: Peer, token: str, arm: Arm) -> str:
    match case.probe:
        case PageProbe() as probe:
            lent = rig.lend(token) if probe.lent else 0
            here = spot(rig.places, arm, probe.target, probe.scheme, token, lent=lent)
            rig.site.pages[token] = probe.page(here)
            note = await peer.goto(f"{here.own}/p/{token}")
            if probe.click:
                note = await peer.click()
            if probe.leave:
                await peer.loaded()
                await peer.goto("about:blank")
            return note
        case GotoProbe() as probe:
            here = spot(rig.places, arm, "name", "http", token)
            url = f"{here.base}/n" if arm == "allowed" else here.fill(probe.url)
            return await peer.goto(url.replace("$FILE", str(rig.folder / "canary.html")), tab=probe.tab)
        case other:
            raise TypeError(f"{type(other).__name__} is not for a browser alone")


async def _look(rig: Rig, probe: GotoProbe, peer: Peer, token: str) -> None:
    if probe.shows == "pixels":
        if coloured(await peer.picture()):
            rig.board.heard("pixels", "open", token.encode())
        return
    url, length = await peer.shown()
    if url.startswith(probe.shows) and length > _EMPTY:
        rig.board.heard("window", "open", token.encode())
