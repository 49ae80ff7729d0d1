"""A run of the shop's task that ends itself with `kill -9` at a given moment, or goes on with one that did.

    python -m tests.replay.dying FOLDER WHEN NUMBER ANSWERS [TRACE]

WHEN and NUMBER: `never 0`; `told N` once the N-th event was reported; `written N` once it is on disk and
before it is reported; `first 0` before the first line; `order 0` and `ordered 0` just before and after the
shop has written the order; `report 0` while the report is written. ANSWERS: `truth` or `deny`, to whether
something happened. Every event that is reported goes to standard output as a line, and the result at the end.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from harness.action import Action, Answer, Click, GiveUp, Type, Wait
from harness.clearance import Approval, Question, Reply
from harness.cli import compose
from harness.cli.resuming import taken_up
from harness.replay.resume import RULE
from harness.screen import Observation
from harness.trace.events import Event
from harness.trace.writer import TraceWriter
from harness.worlds.shop.store import Store
from pydantic import JsonValue

SCRIPT: tuple[tuple[Action, ...], ...] = (
    (Click(x=92, y=312),),
    (Click(x=780, y=455),),
    (Click(x=1131, y=349),),
    (Click(x=77, y=206), Type(text="Ada Lovelace"), Click(x=434, y=288), Type(text="12 St James's Square")),
    (Click(x=246, y=368), Type(text="London"), Click(x=453, y=368), Type(text="SW1Y 4JH")),
    (Click(x=77, y=448),),
    (Click(x=138, y=666),),
    (Click(x=886, y=288),),
    (Click(x=1046, y=341),),
)
LOOKS = 30
"""How often the number of the order is looked for."""


def die() -> None:
    """End this process as nothing can be done about."""
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


class Clerk:
    """Knows where everything is in the shop, and its own place in the script."""

    def __init__(self) -> None:
        self._place = self._looks = 0

    async def reply(self, observation: Observation) -> Reply:
        """Give the next actions, or the number of the order."""
        before = self._place
        if before < len(SCRIPT):
            self._place += 1
            return Reply(actions=SCRIPT[before], raw={"before": before, "after": self._place})
        number = observation.url.rpartition("/orders/")[2]
        last: Action = Answer(data={"order_id": number})
        if not number.isdigit():
            self._looks += 1
            last = Wait(seconds=0.5) if self._looks < LOOKS else GiveUp(reason="no order")
        return Reply(actions=(last,), raw={"before": before, "after": before})

    def recall(self, place: JsonValue) -> None:
        """Take up a place."""
        assert isinstance(place, int)
        self._place = place


def shop_of(trace: Path) -> Path:
    """The shop's database, as a run kept it."""
    return trace / "state" / "hosts" / "shop.test" / "shop.sqlite"


def count(trace: Path, table: str) -> int:
    """How many rows a table of the shop has."""
    with closing(sqlite3.connect(shop_of(trace))) as shop:
        return int(shop.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own words


class Looker:
    """Approves what the policy asks about; says what happened by a look at the shop, or says nothing."""

    def __init__(self, trace: Path | None, *, tells: bool) -> None:
        self._trace = trace
        self._tells = tells

    async def decide(self, question: Question) -> Approval:
        """Answer."""
        if question.verdict.rule != RULE:
            return question.approve("looker")
        if self._trace is None or not self._tells or question.screenshot is None:
            return question.deny("looker")
        assert question.screenshot.width > 2 * 1280
        words = question.model_dump_json()
        url, table = (
            ("https://shop.test/orders/48215", "orders")
            if "POST https://shop.test/orders" in words
            else ("https://shop.test/cart", "cart_lines")
        )
        happened = count(self._trace, table) > 0
        return question.approve("looker", note=f"happened, go on at {url}" if happened else "did not happen")


def main() -> None:
    """Do what the arguments say."""
    folder, when, number, answers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    trace = Path(sys.argv[5]) if len(sys.argv) > 5 else None
    told = 0

    def watch(event: Event) -> None:
        nonlocal told
        told += 1
        if when == "written" and told == number:
            die()
        sys.stdout.write(json.dumps({"kind": event.kind, "step": vars(event).get("step", 0)}) + "\n")
        sys.stdout.flush()
        if when == "told" and told == number:
            die()

    _trap(when)
    approver = Looker(trace, tells=answers == "truth")
    if trace is None:
        run = compose.Run(
            "shop/buy-a-mug",
            model=Clerk(),
            sandbox="bubblewrap",
            approver=approver,
            traces=folder,
            watch=watch,
            resumable=True,
        )
        result = asyncio.run(run.go())
    else:
        with taken_up(trace, model=Clerk(), sandbox="bubblewrap", approver=approver, watch=watch) as run:
            result = asyncio.run(run.go())
    print(json.dumps({"result": result.model_dump(mode="json")}))


def _trap(when: str) -> None:
    def dying(*_: Any, **__: Any) -> None:
        die()

    match when:
        case "first":
            TraceWriter.write = dying  # type: ignore[method-assign]
        case "report":
            setattr(compose, "write_report", dying)  # noqa: B010 - mypy knows it as private
        case "order":
            Store.place = dying  # type: ignore[method-assign,assignment]
        case "ordered":
            place = Store.place

            def placed(self: Store, *arguments: Any) -> int:
                place(self, *arguments)
                die()
                return 0

            Store.place = placed  # type: ignore[method-assign,assignment]
        case _:
            pass


if __name__ == "__main__":
    main()
