"""What a benchmark gives back, and how it is shown: figures, percentiles, one table, one JSON file."""

import argparse
import asyncio
import inspect
import json
import math
import os
import platform
import statistics
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One promise of the design, measured."""

    title: str
    unit: str
    ours: float
    reference: float | None = None
    """What the same run measured of `against`, in the same unit."""
    against: str = ""
    bar: float | None = None
    """What must not be exceeded; nothing where nothing was promised."""
    bar_on: Literal["ours", "ratio"] = "ours"
    detail: Mapping[str, float] = field(default_factory=dict)
    """More of the same measurement; each key names its unit."""

    @property
    def ratio(self) -> float | None:
        return None if not self.reference else self.ours / self.reference

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; nothing without a bar."""
        value = self.ours if self.bar_on == "ours" else self.ratio
        return None if self.bar is None or value is None else value <= self.bar

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "holds": self.holds}


Figures = dict[str, Figure]


class Measure(Protocol):
    """Takes figures; with `quick`, few repeats."""

    def __call__(self, *, quick: bool = False) -> Figures | Awaitable[Figures]: ...


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def taken(measure: Measure, *, quick: bool) -> Figures:
    """Take a measurement, whether it is asynchronous or not."""
    found = measure(quick=quick)
    if not inspect.isawaitable(found):
        return found

    async def wait() -> Figures:
        return await found

    return asyncio.run(wait())


def show(figures: Mapping[str, Figure], console: Console | None = None) -> None:
    """Print one table: figure, ours, reference, ratio, bar, holds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    for heading in ("ours", "reference", "ratio", "bar"):
        table.add_column(heading, justify="right")
    table.add_column("against")
    table.add_column("holds?")
    for one in figures.values():
        table.add_row(
            one.title,
            f"{_number(one.ours)} {one.unit}",
            "" if one.reference is None else f"{_number(one.reference)} {one.unit}",
            "" if one.ratio is None else f"{one.ratio:.2f}x",
            ""
            if one.bar is None
            else f"{_number(one.bar)}{'x' if one.bar_on == 'ratio' else ' ' + one.unit}",
            one.against,
            {True: "yes", False: "NO", None: ""}[one.holds],
        )
    (console or Console(width=150)).print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def write(file: Path, figures: Mapping[str, Figure], *, quick: bool) -> None:
    """Write the figures as JSON."""
    found = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(),
        "figures": {name: one.as_json() for name, one in figures.items()},
    }
    file.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def main(measure: Measure, about: str | None, arguments: Sequence[str] | None = None) -> int:
    """Measure one module's figures and print them; 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it works")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args(arguments)
    figures = taken(measure, quick=options.quick)
    show(figures)
    if options.json:
        write(options.json, figures, quick=options.quick)
    return 1 if any(one.holds is False for one in figures.values()) else 0
