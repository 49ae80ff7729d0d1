"""Every case there is."""

import difflib
from collections.abc import Iterator, Sequence
from functools import cache

from harness.errors import InputError
from harness.evals.containment import pages_more, pages_navigation, pages_socket, pages_subresource
from harness.evals.containment.cases import CLASSES, Case
from harness.evals.containment.machine import machine_cases
from harness.evals.containment.model import model_cases
from harness.evals.containment.model_data import data_cases
from harness.evals.containment.model_keys import pointer_cases
from harness.evals.containment.raw import raw_cases
from harness.evals.containment.rebinding import rebinding_cases
from harness.evals.containment.targets import TARGETS
from harness.evals.containment.templates import cases, page_probe
from harness.evals.containment.urls import url_cases

BRIEF = (
    "navigation/location/https",
    "subresource/img/https",
    "subresource/fetch-redirect/https",
    "socket/websocket/https",
    "proxy/CL-and-TE",
    "machine/read-a-file",
    "machine/vsock",
    "approval/click",
)
"""Ids of the few that `harness doctor` tries within ten seconds: one or two of each kind of wall."""


@cache
def catalogue() -> tuple[Case, ...]:
    """Give every case, in the order of the classes."""
    return tuple(_every())


def _every() -> Iterator[Case]:
    quick = frozenset(
        {"location", "frame", "redirect 302", "img", "fetch", "fetch redirect", "websocket", "stun"}
    )
    yield from url_cases()
    yield from cases("navigation", pages_navigation.ROWS, quick)
    yield from cases("subresource", pages_subresource.ROWS, quick, plain=False)
    yield from cases("socket", pages_socket.ROWS, quick)
    yield from cases("navigation", pages_more.NAVIGATION, plain=False)
    yield from cases("subresource", pages_more.LOADING, plain=False)
    yield from cases("socket", pages_more.CHANNELS, plain=False)
    yield from _addresses()
    yield from raw_cases()
    yield from rebinding_cases()
    yield from machine_cases()
    yield from model_cases()
    yield from pointer_cases()
    yield from data_cases()


def _addresses() -> Iterator[Case]:
    for target, says in TARGETS.items():
        for row in pages_socket.VECTORS if target == "name" else pages_socket.VECTORS[::2]:
            yield Case(
                id=f"address/{target}/{row.name}",
                kind="address",
                says=f"{row.says} to {says}",
                probe=page_probe(row, "http", target),
                ref="D01" if target == "metadata" else "D02",
            )


def brief() -> tuple[Case, ...]:
    """Give the few cases of `harness doctor`."""
    return tuple(one for one in catalogue() if one.id in BRIEF)


def chosen(kinds: Sequence[str] = (), ids: Sequence[str] = (), *, quick: bool = False) -> tuple[Case, ...]:
    """Give the cases of some classes, or those whose ids begin so; all if nothing is named.

    Raises:
        InputError: if something that was named is not there.
    """
    found = tuple(one for one in catalogue() if not quick or "quick" in one.tags)
    for kind in kinds:
        if kind not in CLASSES:
            near = difflib.get_close_matches(kind, CLASSES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(CLASSES)}"
            raise InputError(f"--class {kind!r}: there is no such class; {hint}")
    for wanted in ids:
        if not any(one.id.startswith(wanted) for one in found):
            near = difflib.get_close_matches(wanted, [one.id for one in found], n=1)
            hint = f"did you mean {near[0]!r}?" if near else "--list shows them all"
            raise InputError(f"--case {wanted!r}: no case begins so; {hint}")
    if kinds:
        found = tuple(one for one in found if one.kind in kinds)
    if ids:
        found = tuple(one for one in found if any(one.id.startswith(wanted) for wanted in ids))
    if not found:
        raise InputError("no case is in all that was named; --list shows them all")
    return found
