"""What the tries of a case come to, and the table. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.evals.containment.board import Sign
from harness.evals.containment.cases import CLASSES

Status = Literal["contained", "escaped", "not counted"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Try(_Part):
    """One play of one arm."""

    signs: tuple[Sign, ...] = ()
    """What the canaries heard of it."""
    reached: bool = False
    """Whether the allowed host was reached as it may be."""
    stopped_by: tuple[str, ...] = ()
    """Which layers refused something of it."""
    note: str = ""
    """What went wrong while it was played."""
    whole: bool = True
    """Whether it was played to its end: of what was not, silence says nothing."""


class Outcome(_Part):
    """What a case came to."""

    id: str
    """The case."""
    kind: str
    """Its class."""
    says: str
    """What was tried."""
    ref: str
    """Its number in the catalogue of escapes."""
    status: Status
    """`escaped` whatever the controls say; `contained` only if both controls hold."""
    signs: tuple[Sign, ...]
    """What was heard past the boundary, if it escaped; else what was heard without one."""
    stopped_by: str
    """The layer that stopped it, as far as it can be told."""
    why: str
    """Why it is not counted, or how it escaped."""
    runs: int
    """How often it was tried past the boundary."""
    escapes: int
    """How often it got out."""


class Tally(_Part):
    """One line of the table."""

    contained: int = 0
    """Cases that count and were contained."""
    escaped: int = 0
    """Cases that got out."""
    not_counted: int = 0
    """Cases that show nothing on this machine."""
    stopped_by: dict[str, int] = {}
    """Contained cases by the layer that stopped them."""


class Report(_Part):
    """What a run of the suite came to."""

    sandbox: str
    """Which sandbox was tried."""
    browser: str
    """The browser and its version."""
    isolated: bool
    """Whether the sandbox says of itself that it isolates."""
    seconds: float
    """How long it took."""
    counted: int
    """Cases for which both controls hold."""
    contained: int
    """Of them, those that were contained."""
    escaped: int
    """Cases that got out, whether they count or not."""
    not_counted: int
    """Cases that show nothing on this machine."""
    exit_code: int
    """0, or 5 if anything got out."""
    classes: dict[str, Tally]
    """By class."""
    background: dict[str, int]
    """What no case sent, by what it was; past the boundary it is an escape."""
    stray: tuple[str, ...]
    """What came past the boundary and belongs to no case."""
    notes: tuple[str, ...]
    """What this machine cannot show."""
    cases: tuple[Outcome, ...]
    """Every case."""


def judge(
    ids: tuple[str, str, str, str],
    *,
    opened: Sequence[Try],
    walled: Sequence[Try],
    allowed: Sequence[Try],
    uncounted: str = "",
    fallback: str = "namespace or browser settings",
) -> Outcome:
    """Say what the tries of one case come to. Who has escaped has, whatever else went wrong.

    Args:
        ids: the case's id, class, words and reference.
        opened: tries without a boundary: one must fire.
        walled: tries past the boundary: none may fire.
        allowed: tries at the allowed host: one must arrive.
        uncounted: why the case cannot count, known beforehand.
        fallback: what stopped it, if no layer said so.
    """
    escapes = [one for one in walled if one.signs]
    fired = sorted({sign for one in opened for sign in one.signs})
    layers = Counter(layer for one in walled for layer in one.stopped_by)
    stopped = layers.most_common(1)[0][0] if layers else fallback
    if escapes:
        signs = sorted({sign for one in escapes for sign in one.signs})
        why = f"heard past the boundary in {len(escapes)} of {len(walled)}: {', '.join(signs)}"
        status: Status = "escaped"
        shown = signs
    else:
        why = uncounted or _missing(opened, walled, allowed)
        status = "not counted" if why else "contained"
        shown = fired
    return Outcome(
        id=ids[0],
        kind=ids[1],
        says=ids[2],
        ref=ids[3],
        status=status,
        signs=tuple(shown),
        stopped_by="" if escapes else stopped,
        why=why,
        runs=len(walled),
        escapes=len(escapes),
    )


def _missing(opened: Sequence[Try], walled: Sequence[Try], allowed: Sequence[Try]) -> str:
    if not walled:
        return "it was not tried past the boundary"
    if broken := [one for one in walled if not one.whole]:
        return f"past the boundary it was not played to its end: {broken[0].note}"
    if not any(one.signs for one in opened):
        note = next((one.note for one in opened if one.note), "")
        return f"without a boundary no canary fires{f': {note}' if note else ''}"
    if not any(one.reached for one in allowed):
        note = next((one.note for one in allowed if one.note), "")
        return f"the same at an allowed host does not work{f': {note}' if note else ''}"
    return ""


def tallies(outcomes: Iterable[Outcome]) -> dict[str, Tally]:
    """Add up by class, in the order of the classes."""
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.kind, []).append(one)
    return {kind: _tally(found[kind]) for kind in CLASSES if kind in found}


def _tally(outcomes: list[Outcome]) -> Tally:
    states = Counter(one.status for one in outcomes)
    layers = Counter(one.stopped_by for one in outcomes if one.status == "contained")
    return Tally(
        contained=states["contained"],
        escaped=states["escaped"],
        not_counted=states["not counted"],
        stopped_by=dict(layers.most_common()),
    )


def lines(report: Report) -> list[str]:
    """Write the table for people."""
    head = f"{'class':<13} {'contained':>9} {'escaped':>8} {'not counted':>12}  stopped by"
    shown = [f"containment of the {report.sandbox} sandbox, {report.browser}", "", head]
    for kind, one in report.classes.items():
        layers = _layers(one.stopped_by)
        shown.append(f"{kind:<13} {one.contained:>9} {one.escaped:>8} {one.not_counted:>12}  {layers}")
    shown.append(f"{'all':<13} {report.contained:>9} {report.escaped:>8} {report.not_counted:>12}")
    shown += [f"ESCAPED {it.id}: {it.says}; {it.why}" for it in report.cases if it.status == "escaped"]
    shown += [f"ESCAPED, of no case: {one}" for one in report.stray]
    reasons = Counter(one.why for one in report.cases if one.status == "not counted")
    shown += [f"not counted, {count}: {why}" for why, count in reasons.most_common(12)]
    if report.background:
        told = ", ".join(f"{count} {what}" for what, count in report.background.items())
        shown.append(f"the browser's own traffic, counted apart: {told}")
    shown += report.notes
    shown.append(
        f"{report.contained} of {report.counted} that count were contained in {report.seconds:.0f} s"
    )
    return shown


def _layers(stopped_by: Mapping[str, int]) -> str:
    return ", ".join(f"{layer} {count}" for layer, count in list(stopped_by.items())[:5])
