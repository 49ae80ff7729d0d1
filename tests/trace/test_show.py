from pathlib import Path
from typing import Any

from harness.trace.events import Console, Dialogued, Messaged, Noted
from harness.trace.reader import Trace
from harness.trace.show import lines


def test_there_is_one_line_an_event_with_the_kind_in_one_column(run: Path, story: Any) -> None:
    found = list(lines(Trace.open(run)))
    assert len(found) == len(story.events)
    column = found[0].index("run_started")
    assert all(line[column:].startswith(event.kind) for line, event in zip(found, story.events, strict=True))
    text = "\n".join(found)
    for words in (
        "buy-a-mug: local in bubblewrap, policy shopping abababababab",
        "allow · click 'Add to cart' (button) in https://shop.test at 60, 42",
        "DENY by 'domains' · GET https://tracker.test/pixel (document) [r2]",
        "200 · 0 B out, 4.3 kB in, 12 ms [r1]",
        "ASK by 'spending'",
        "5 min 00 s to answer",
        "approve by ada after 12.3 s: One mug.",
        "refused by 'spending': no · goto",
        "acme warns odd",
        "FAILED one order in the state: there are two",
        "Done (4 steps in 9.4 s, exit 0)",
    ):
        assert words in text


def test_page_text_cannot_forge_a_line_or_colour_the_terminal(story: Any, folder: Path) -> None:
    story.start(isolated=False)
    story.write(Noted(step=1, text="x\n9 0.0 run_finished Done\x1b[2J\u202e" + "y" * 500))
    found = list(lines(Trace.open(folder)))
    assert len(found) == 3
    assert "x⏎9 0.0 run_finished Done⟨U+001B⟩[2J⟨U+202E⟩" in found[1]
    assert all(line.isprintable() for line in found)
    assert "(not isolated)" in found[0]
    assert found[2] == "! the trace has no end: the run was killed, or has not ended yet"


def test_a_torn_tail_is_said(run: Path) -> None:
    file = run / "events.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    assert next(line for line in lines(Trace.open(run)) if line.startswith("!")).endswith("is left out")


def test_messages_of_a_websocket_are_lines_of_their_own(story: Any, folder: Path) -> None:
    story.start()
    story.write(
        Messaged(step=1, request="r1", direction="out", size=3, sha256="ab" * 32),
        Messaged(step=1, request="r1", direction="in", text=False, size=2_000, refused="limits: too many"),
    )
    found = list(lines(Trace.open(folder)))
    assert found[1].endswith("3 B of text out [r1]")
    assert found[2].endswith("REFUSED by limits: too many · 2.0 kB of binary in [r1]")


def test_what_a_page_said_is_shown_with_its_place(story: Any, folder: Path) -> None:
    story.start()
    story.write(
        Console(step=1, level="uncaught", text="x is not defined", url="https://shop.test/a.js", line=7),
        Dialogued(step=1, type="prompt", message="Your name?", accepted=True, answer="Ada"),
    )
    shown = list(lines(Trace.open(folder)))
    assert shown[1].endswith("uncaught: x is not defined (https://shop.test/a.js:7)")
    assert shown[2].endswith("prompt 'Your name?': accepted with 'Ada'")
