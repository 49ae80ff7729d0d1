import pytest
from harness.action import (
    KINDS,
    Action,
    Answer,
    AskUser,
    Back,
    Click,
    CloseTab,
    Drag,
    Forward,
    GiveUp,
    Goto,
    Hold,
    MouseDown,
    MouseUp,
    Move,
    NewTab,
    Press,
    Reload,
    Scroll,
    SwitchTab,
    TakeScreenshot,
    Type,
    Upload,
    Wait,
    Zoom,
)
from harness.clearance import Target
from harness.trace.words import count, named, say, seconds, size, visible
from hypothesis import given
from hypothesis import strategies as st

BUTTON = Target(role="button", name="Add to cart")
SAID: list[tuple[Action, str]] = [
    (Click(x=412, y=310), "click 'Add to cart' (button) at 412, 310"),
    (
        Click(x=1, y=2, count=2, button="right", modifiers=("Shift",)),
        "Shift+double-right-click 'Add to cart' (button) at 1, 2",
    ),
    (Move(x=1, y=2), "move the pointer over 'Add to cart' (button) to 1, 2"),
    (MouseDown(x=1, y=2), "press the left mouse button on 'Add to cart' (button) at 1, 2"),
    (MouseUp(), "release the left mouse button on 'Add to cart' (button)"),
    (Drag(path=((1, 2), (3, 4), (5, 6))), "drag 'Add to cart' (button) from 1, 2 to 5, 6"),
    (Scroll(x=1, y=2, dx=-5, dy=300), "scroll down 300 px and left 5 px at 1, 2"),
    (Scroll(x=1, y=2), "scroll by nothing at 1, 2"),
    (Type(text="Ada\nL"), "type 'Ada⏎L' into 'Add to cart' (button)"),
    (Press(keys=("Control", " ")), "press Control+Space in 'Add to cart' (button)"),
    (Hold(keys=("a",), seconds=0.5), "hold a for 500 ms"),
    (Wait(seconds=2), "wait 2.0 s"),
    (TakeScreenshot(), "look again"),
    (Zoom(region=(1, 2, 3, 4)), "zoom in on 1, 2 to 3, 4"),
    (Goto(url="https://a.test/"), "go to https://a.test/"),
    (Back(), "go back"),
    (Forward(), "go forward"),
    (Reload(), "load the page again"),
    (NewTab(), "open a tab"),
    (NewTab(url="https://a.test/"), "open a tab with https://a.test/"),
    (SwitchTab(tab=2), "look at tab 2"),
    (CloseTab(), "close this tab"),
    (CloseTab(tab=3), "close tab 3"),
    (Upload(files=("a.pdf", "b.pdf")), "upload 'a.pdf', 'b.pdf'"),
    (AskUser(question="Which?"), "ask the person: Which?"),
    (Answer(text="42"), "answer: 42"),
    (Answer(), "answer"),
    (GiveUp(reason="no"), "give up: no"),
]


@pytest.mark.parametrize(("action", "words"), SAID, ids=lambda one: one if isinstance(one, str) else "")
def test_an_action_is_said_as_a_person_would(action: Action, words: str) -> None:
    assert say(action, BUTTON) == words


def test_every_action_can_be_said() -> None:
    assert {action.kind for action, _ in SAID} == set(KINDS)
    assert all(say(action) for action, _ in SAID)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("pay\u202e", "pay⟨U+202E⟩"),
        ("a\u200bb\x1b[31m", "a⟨U+200B⟩b⟨U+001B⟩[31m"),
        ("a\u2066\u2028\ufeff\U000e0041", "a⟨U+2066⟩⟨U+2028⟩⟨U+FEFF⟩⟨U+E0041⟩"),
        ("\ud800\u3164", "⟨U+D800⟩⟨U+3164⟩"),
        ("a\nb\tc\r", "a⏎b⇥c⟨U+000D⟩"),
        ("👩‍🔧 ok é 漢", "👩‍🔧 ok é 漢"),
        ("a\u200db", "a⟨U+200D⟩b"),
    ],
)
def test_nothing_invisible_is_left(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(text=st.text())
def test_what_is_visible_stays_so(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert visible(text).isprintable() or "\u200d" in text or any(one.isspace() for one in text)


def test_long_text_is_cut_and_said() -> None:
    assert visible("x" * 3000) == "x" * 2000 + "… and 1,000 more characters"
    assert visible("a\nb", multiline=True) == "a\nb"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 ms"),
        (0.0344, "34 ms"),
        (0.9996, "1.0 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations_are_said(amount: float, words: str) -> None:
    assert seconds(amount) == words


def test_amounts_are_said() -> None:
    assert [size(amount) for amount in (0, 999, 1000, 12_345, 999_999, 4_500_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 kB",
        "1.0 MB",
        "4.5 MB",
    ]
    assert [count(1, "step"), count(2, "step"), count(1000, "match", "matches")] == [
        "1 step",
        "2 steps",
        "1,000 matches",
    ]


def test_a_target_is_named_by_what_it_has() -> None:
    assert named(Target()) == ""
    assert named(Target(tag="div", text="Hi")) == "'Hi' (div)"
