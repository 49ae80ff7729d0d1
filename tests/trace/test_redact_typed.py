"""What was typed in several goes is put together before it is looked through."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.action import Action, Click, Move, Press, Type
from harness.clearance import Usage
from harness.trace.events import Acted, AskedModel, Event, ModelReplied, Observed, RunFinished
from harness.trace.patterns import Patterns
from harness.trace.reader import Trace
from harness.trace.redact_typed import Typed
from harness.trace.redacted import redacted
from harness.trace.verify import verify
from tests.trace.conftest import SHOP, Story, picture
from tests.trace.test_redact_pictures import Fake

CARD = "4111111111111111"
KEYS = [Press(keys=(one,)) for one in CARD]
BACK = Press(keys=("Backspace",))
MARK = "[redacted:card]"
AWAY = Click(x=1, y=1)


def replied(step: int, *actions: Action) -> ModelReplied:
    return ModelReplied(step=step, actions=actions)


def masked(*replies: ModelReplied) -> list[list[str]]:
    """Give what is typed in each reply once it is masked; a key in brackets."""
    typed = Typed(replies, Patterns())

    def words(action: Action) -> str:
        match action:
            case Type(text=text):
                return text
            case Press(keys=keys):
                return f"<{'+'.join(keys)}>"
            case _:
                return action.kind

    out = []
    for one in replies:
        event = typed.masked(one)
        assert isinstance(event, ModelReplied)
        out.append([words(action) for action in event.actions])
    return out


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ([Type(text="4111 1111"), Type(text=" 1111 1111")], [MARK, MARK]),
        ([Type(text="my card 4111 1111 "), Type(text="1111 1111, yes")], [f"my card {MARK}", f"{MARK}, yes"]),
        (KEYS, [MARK] * 16),
        ([Type(text=CARD[:15]), Move(x=1, y=1), Press(keys=("1",))], [MARK, "move", MARK]),
        ([Type(text=CARD[:8]), Press(keys=("Tab",)), Type(text=CARD[8:])], [MARK, "<Tab>", MARK]),
        ([Type(text=f"{CARD[:8]}7"), BACK, Type(text=CARD[8:])], [f"{MARK}7", "<Backspace>", MARK]),
        (
            [Type(text="ada"), Press(keys=("Shift", "@")), Type(text="example.org")],
            ["[redacted:email]"] * 3,
        ),
        ([Type(text="ada"), Press(keys=("Shift", "2")), Type(text="example.org")], ["[redacted:email]"] * 3),
        ([Type(text=CARD[:8]), AWAY, Type(text=CARD[8:])], [CARD[:8], "click", CARD[8:]]),
        ([Type(text="4111 1111"), Type(text=" 1111 1112")], ["4111 1111", " 1111 1112"]),
        ([Press(keys=("Control", "4")), Type(text=CARD[1:])], ["<Control+4>", CARD[1:]]),
    ],
)
def test_each_part_of_what_was_typed_in_several_goes_is_masked(
    actions: Sequence[Action], found: list[str]
) -> None:
    assert masked(replied(1, *actions)) == [found]


def test_steps_go_on_with_each_other() -> None:
    assert masked(replied(1, Type(text=CARD[:8])), replied(2, Type(text=CARD[8:])), replied(3)) == [
        [MARK],
        [MARK],
        [],
    ]


def test_what_was_done_counts_where_something_else_was_wanted() -> None:
    first, second = Type(text=CARD[:8]), Type(text=CARD[8:])
    done = [Acted(step=1, index=at, action=one, status="done") for at, one in enumerate((first, second))]
    refused = Acted(step=1, index=1, action=Type(text="no"), status="refused")
    events: list[Event] = [replied(1, first, AWAY, second), done[0], refused, done[1]]
    typed = Typed(events, Patterns())
    shown = typed.masked(done[1])
    assert isinstance(shown, Acted)
    assert shown.action == Type(text=MARK)
    assert (typed.said(0), typed.told(1), typed.said(1), typed.told(2)) == (False, False, True, True)


def test_the_beginnings_that_pictures_show_are_looked_for_in_them() -> None:
    patterns = Patterns()
    Typed([replied(1, Type(text="4111 1111"), Type(text=" 1111 1111"))], patterns)
    assert patterns.values == {"4111 1111 1111 1111": "card", "4111 1111": "card"}


def test_a_copy_holds_no_part_of_it_and_says_what_was_left_out(
    story: Story, folder: Path, tmp_path: Path
) -> None:
    writer = story.writer
    story.start()
    for step, part in ((1, "4111 1111"), (2, " 1111 1111")):
        told = json.dumps({"typed": "4111 1111"} if step == 2 else {"typed": ""}).encode()
        story.write(
            Observed(step=step, screenshot=writer.blob(picture("white")), size=(320, 200), url=SHOP),
            AskedModel(step=step, request=writer.blob(told)),
            ModelReplied(step=step, actions=(Type(text=part),), raw=writer.blob(part.encode())),
        )
        story.act(step, Type(text=part), outcome="ask")
    writer.write(
        RunFinished(outcome="done", exit_code=0, steps=2, usage=Usage(), seconds=1.0, head=writer.head)
    )
    writer.close()
    out = tmp_path / "out"
    removals = redacted(Trace.open(folder), out, Patterns(), Fake("nothing"))
    assert verify(out).ok
    whole = b"".join(path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file())
    assert b"1111 1111" not in whole
    left_out = [(one.line, one.place) for one in removals if one.kind == "typed"]
    kinds = [one.event.kind for one in Trace.open(folder).events]
    replies = [at for at, kind in enumerate(kinds, 1) if kind == "model_replied"]
    assert left_out == [
        (replies[0], "blob of raw left out"),
        (replies[1] - 1, "blob of request left out"),
        (replies[1], "blob of raw left out"),
    ]
    assert {one.kind for one in removals} == {"card", "typed"}
