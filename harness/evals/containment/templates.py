"""From a row of a table to cases: a page over http, over https, or both."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.evals.containment.cases import Case, Class, PageProbe, Scheme, Spot
from harness.evals.containment.site import Answer, Page


@dataclass(frozen=True)
class Row:
    """A hostile page as a template; `$BASE` and the like are the places of `Spot.fill`."""

    name: str
    """A few words that name it within its class."""
    ref: str
    """Its number in the catalogue of escapes."""
    says: str
    """What is tried."""
    html: str
    """The page's body."""
    click: bool = False
    """Whether `#go` is clicked."""
    leave: bool = False
    """Whether the page is left at once."""
    secure: bool = False
    """Whether it works in a secure context alone, that is over https."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the page."""
    files: tuple[tuple[str, str, str], ...] = ()
    """Name, type and text of files beside the page, at `$FILES/NAME`."""
    repeat: int = 1
    """How often."""
    lent: bool = False
    """Whether it needs a port of its own."""
    uncounted: str = ""
    """Why it cannot count."""
    deny_allowed: bool = False
    """Whether the trick itself is refused to any host; then plain navigation is the last control."""


def script(text: str) -> str:
    """Wrap a script."""
    return f"<script>{text}</script>"


def cases(
    kind: Class, rows: Iterable[Row], quick: frozenset[str] = frozenset(), *, plain: bool = True
) -> Iterator[Case]:
    """Make the cases of a table: over https, and if `plain`, over http what works there and needs no click."""
    schemes: tuple[Scheme, ...] = ("https", "http")
    for row in rows:
        for scheme in schemes:
            if scheme == "http" and (row.secure or row.click or not plain):
                continue
            yield Case(
                id=f"{kind}/{row.name.replace(' ', '-')}/{scheme}",
                kind=kind,
                says=f"{row.says}, over {scheme}",
                probe=page_probe(row, scheme),
                ref=row.ref,
                repeat=row.repeat if scheme == "https" else 1,
                uncounted=row.uncounted,
                tags=frozenset({"quick"} if scheme == "https" and row.name in quick else ()),
            )


def page_probe(row: Row, scheme: Scheme, target: str = "name") -> PageProbe:
    """Make the probe of one row."""

    def page(spot: Spot) -> Page:
        files = {
            name: Answer(
                200, (("content-type", kind), ("service-worker-allowed", "/")), spot.fill(text).encode()
            )
            for name, kind, text in row.files
        }
        headers = tuple((name, spot.fill(value)) for name, value in row.headers)
        html = spot.fill(row.html)
        if row.deny_allowed and "also.test" in spot.host:
            html = spot.fill("<script>location='$BASE/n'</script>")
        body = html if "<frameset" in html else f"<body>{html}"
        return Page(f"<!doctype html><title>probe</title>{body}", headers, files)

    return PageProbe(page, row.click, row.leave, scheme, target, row.lent)
