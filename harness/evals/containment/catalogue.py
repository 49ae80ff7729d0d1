"""Every case there is."""

from collections.abc import Iterator
from functools import cache

from harness.evals.containment import pages_navigation, pages_socket, pages_subresource
from harness.evals.containment.cases import Case
from harness.evals.containment.targets import TARGETS
from harness.evals.containment.templates import cases, page_probe


@cache
def catalogue() -> tuple[Case, ...]:
    """Give every case, in the order of the classes."""
    return tuple(_every())


def _every() -> Iterator[Case]:
    quick = frozenset({"location", "frame", "redirect 302", "img", "fetch", "fetch redirect", "websocket", "stun"})
    yield from cases("navigation", pages_navigation.ROWS, quick)
    yield from cases("subresource", pages_subresource.ROWS, quick)
    yield from cases("socket", pages_socket.ROWS, quick)
    yield from _addresses()


def _addresses() -> Iterator[Case]:
    for target, says in TARGETS.items():
        if target == "name":
            continue
        for row in pages_socket.VECTORS:
            yield Case(
                id=f"address/{target}/{row.name}",
                kind="address",
                says=f"{row.says} to {says}",
                probe=page_probe(row, "http", target),
                ref="D01" if target == "metadata" else "D02",
            )
