"""What the plays come to: contained over tried, by class and by system. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich import box
from rich.table import Table

Status = Literal["contained", "escaped", "not tried", "not counted"]

STRENGTH = ("HTTP", "forbidden request", "admitted", "pixels", "window", "UDP", "TLS", "TCP", "DNS")
"""Signs, the plainest first: by it an escape that was heard in several ways is named."""
SLIGHT = ("TLS", "DNS")
"""Signs that carry a name out, and nothing else."""


@dataclass(frozen=True)
class Play:
    """What came of one case at one system."""

    signs: tuple[str, ...] = ()
    """What the canaries heard."""
    made: bool = True
    """Whether the attempt was made at all: the hostile page was fetched, and clicked if it wants to be."""
    works: bool | None = None
    """Whether the same at an allowed host arrived; nothing where that was not asked."""
    note: str = ""
    """What the system said, if it refused or failed."""


@dataclass(frozen=True)
class Row:
    """One case at every system."""

    id: str
    kind: str
    says: str
    control: tuple[str, ...]
    """What the canaries heard without any boundary; a case of which nothing is heard counts for nobody."""
    plays: Mapping[str, Play]
    """By system."""

    def status(self, system: str) -> Status:
        """What the case came to."""
        play = self.plays.get(system)
        if not self.control:
            return "not counted"
        if play and play.signs:
            return "escaped"
        return "contained" if play and play.made else "not tried"


@dataclass(frozen=True)
class System:
    """Who was measured, and how it was used."""

    name: str
    versions: str
    """What was installed, with its versions."""
    used: str
    """How its boundary was switched on."""
    says: str
    """What its own documentation says of that boundary, in our words."""
    missing: str = ""
    """Why there is nothing, or not everything, of it."""


@dataclass(frozen=True)
class Tally:
    """One cell: how many of those tried were contained."""

    contained: int = 0
    escaped: int = 0
    not_tried: int = 0

    @property
    def tried(self) -> int:
        return self.contained + self.escaped

    def __str__(self) -> str:
        return f"{self.contained}/{self.tried}" if self.tried else "-"


@dataclass(frozen=True)
class Contest:
    """A whole run."""

    systems: tuple[System, ...]
    rows: tuple[Row, ...]
    browser: str
    seconds: float
    notes: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    """What came out of our walls and belongs to no case: an escape too."""

    @property
    def counted(self) -> tuple[Row, ...]:
        """The cases of which something is heard without a boundary."""
        return tuple(row for row in self.rows if row.control)

    def tally(self, system: str, kind: str = "") -> Tally:
        """Add up one system's cases, of one class or of all."""
        states = Counter(row.status(system) for row in self.rows if not kind or row.kind == kind)
        return Tally(states["contained"], states["escaped"], states["not tried"])

    def works(self, system: str) -> tuple[int, int]:
        """Of the contained cases, how many arrive at an allowed host, of how many that were tried there."""
        asked = [
            row.plays[system].works
            for row in self.rows
            if row.status(system) == "contained" and row.plays[system].works is not None
        ]
        return sum(bool(one) for one in asked), len(asked)

    def beside(self, system: str) -> tuple[str, ...]:
        """Name the cases that count for nobody, and of which something was heard all the same."""
        return tuple(
            row.id for row in self.rows if not row.control and system in row.plays and row.plays[system].signs
        )

    def forgiven(self, system: str) -> str:
        """Give contained over tried, if a name looked up or a TLS greeting alone were no escape."""
        whole, heard = self.tally(system), self.heard(system)
        return f"{whole.contained + sum(heard.get(sign, 0) for sign in SLIGHT)}/{whole.tried}"

    def heard(self, system: str) -> dict[str, int]:
        """What the escapes were heard by, each once, by its plainest sign."""
        found = Counter(
            plainest(row.plays[system].signs) for row in self.rows if row.status(system) == "escaped"
        )
        return {sign: found[sign] for sign in (*STRENGTH, "other") if found[sign]}

    @property
    def exit_code(self) -> int:
        """4 if a system could not be measured, else 1 if the last one, ours, let something out, else 0."""
        if any(one.missing or not self.tally(one.name).tried for one in self.systems):
            return 4
        ours = self.systems[-1].name
        return 1 if self.stray or self.tally(ours).escaped or self.beside(ours) else 0

    def as_json(self) -> dict[str, Any]:
        """Give everything that was found."""
        kinds = dict.fromkeys(row.kind for row in self.rows)
        return {
            "browser": self.browser,
            "seconds": round(self.seconds, 1),
            "cases": len(self.rows),
            "counted": len(self.counted),
            "notes": list(self.notes),
            "stray": list(self.stray),
            "systems": {
                one.name: asdict(one)
                | {
                    "all": asdict(self.tally(one.name)) | {"tried": self.tally(one.name).tried},
                    "classes": {
                        kind: asdict(self.tally(one.name, kind)) | {"tried": self.tally(one.name, kind).tried}
                        for kind in kinds
                    },
                    "heard": self.heard(one.name),
                    "heard_in_cases_that_do_not_count": list(self.beside(one.name)),
                    "allowed_counterpart": dict(zip(("arrived", "asked"), self.works(one.name), strict=True)),
                }
                for one in self.systems
            },
            "rows": [
                {
                    "id": row.id,
                    "class": row.kind,
                    "says": row.says,
                    "without_a_boundary": list(row.control),
                    "systems": {
                        one.name: {"status": row.status(one.name)} | asdict(row.plays[one.name])
                        for one in self.systems
                        if one.name in row.plays
                    },
                }
                for row in self.rows
            ],
        }


def plainest(signs: Iterable[str]) -> str:
    """Name an escape by the plainest of its signs."""
    found = set(signs)
    return next((sign for sign in STRENGTH if sign in found), "other")


def lines(contest: Contest) -> list[tuple[str, ...]]:
    """Give the table: a line a class, a column a system, contained over tried in each cell."""
    names = [one.name for one in contest.systems]
    kinds = dict.fromkeys(row.kind for row in contest.rows)
    found = [("contained / tried", *names)]
    found += [(kind, *(str(contest.tally(name, kind)) for name in names)) for kind in kinds]
    found += [
        ("all", *(str(contest.tally(name)) for name in names)),
        ("all, if a name alone is no escape", *(contest.forgiven(name) for name in names)),
        ("contained, and arrives where allowed", *("{}/{}".format(*contest.works(name)) for name in names)),
        ("not tried", *(str(contest.tally(name).not_tried) for name in names)),
    ]
    signs = {name: contest.heard(name) for name in names}
    for sign in (*STRENGTH, "other"):
        if any(sign in heard for heard in signs.values()):
            found.append((f"escapes heard by {sign}", *(str(signs[name].get(sign, 0)) for name in names)))
    return found


def remarks(contest: Contest) -> list[str]:
    """Give what stands under the table: who was measured, what is missing, what does not count."""
    count = f"{len(contest.counted)} of {len(contest.rows)} cases count: of the others nothing is heard even"
    found = [f"{count} without a boundary. {contest.browser}, {contest.seconds:.0f} s."]
    for one in contest.systems:
        found.append(f"{one.name}: {one.versions}. Used: {one.used}. Says of itself: {one.says}.")
        if beside := contest.beside(one.name):
            found.append(f"{one.name}: heard in cases that do not count: {', '.join(beside)}")
        if one.missing:
            found.append(f"NOT MEASURED, OR NOT IN FULL: {one.name}: {one.missing}")
    return [*found, *(f"ESCAPED, of no case: {one}" for one in contest.stray), *contest.notes]


def rendered(contest: Contest) -> Table:
    """Give the table as the console shows it."""
    head, *rest = lines(contest)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(head):
        shown.add_column(name, justify="right" if place else "left")
    for one in rest:
        shown.add_row(*one, end_section="if a name" in one[0])
    return shown


def markdown(contest: Contest) -> str:
    """Give the table for a document."""
    head, *rest = lines(contest)
    rule = ("---", *("--:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(one)} |" for one in (head, rule, *rest)) + "\n"
