import contextlib
import re

import pytest
from harness.errors import TaskError
from harness.models.local.grammar import parse_goal, parse_sentence
from harness.models.local.sentences import (
    AskPerson,
    At,
    Browse,
    ClearField,
    ClickOn,
    DragTo,
    Expect,
    Find,
    GoTo,
    HoverOver,
    OpenTab,
    PressKeys,
    ReadBeside,
    ReadTable,
    ReadValue,
    Relation,
    SayAnswer,
    ScrollBy,
    ScrollUntil,
    SelectOption,
    Sentence,
    SetToggle,
    SwitchTo,
    TypeInto,
    UploadFiles,
    WaitFor,
    WaitSeconds,
)
from hypothesis import given, settings
from hypothesis import strategies as st

A = Find("A")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('click "A"', ClickOn(A)),
        ("Click on 'A'.", ClickOn(A)),
        ("CLICK “A”", ClickOn(A)),
        ('double-click "A"', ClickOn(A, count=2)),
        ('triple click "A"', ClickOn(A, count=3)),
        ('right-click "A"', ClickOn(A, button="right")),
        ('middle-click "A"', ClickOn(A, button="middle")),
        ("click at 120, 300", ClickOn(At(120, 300))),
        ('click exactly "A"', ClickOn(Find("A", exactly=True))),
        ('click the 2nd "A"', ClickOn(Find("A", ordinal=2))),
        ('click the third "A"', ClickOn(Find("A", ordinal=3))),
        ('click the last "A" near "B"', ClickOn(Find("A", ordinal=-1, relations=(Relation("near", "B"),)))),
        (
            'click "A" below "B" to the right of "C"',
            ClickOn(Find("A", relations=(Relation("below", "B"), Relation("right", "C")))),
        ),
        ('click "A" in the row of "B"', ClickOn(Find("A", relations=(Relation("row", "B"),)))),
        ('click the first link "A"', ClickOn(Find("A", kind="link", ordinal=1))),
        ('click the button "A"', ClickOn(Find("A", kind="button"))),
        (
            'click the field above "A"',
            ClickOn(Find("", kind="field", relations=(Relation("above", "A"),))),
        ),
        ('hover "A"', HoverOver(A)),
        ("move to 3, 4", HoverOver(At(3, 4))),
        ('type "x y" into "A"', TypeInto("x y", A)),
        ("type \"St James's\" into 'A'", TypeInto("St James's", A)),
        (r'type "say \"hi\" \\ there"', TypeInto(r'say "hi" \ there')),
        ('type "{{secret:pw}}" into "A"', TypeInto("{{secret:pw}}", A)),
        ('type the value of total into "A"', TypeInto("total", A, read=True)),
        ('clear "A"', ClearField(A)),
        ('select "x" from "A"', SelectOption("x", A)),
        ('select "x"', SelectOption("x")),
        ('check "A"', SetToggle(A, on=True)),
        ('uncheck "A"', SetToggle(A, on=False)),
        ("press Enter", PressKeys(("Enter",))),
        ("press ctrl+a", PressKeys(("Control", "a"))),
        ("press Tab 3 times", PressKeys(("Tab",), 3)),
        ("press Down twice", PressKeys(("ArrowDown",), 2)),
        ("scroll down", ScrollBy("down")),
        ("scroll up 300 pixels", ScrollBy("up", pixels=300)),
        ('scroll down over "A"', ScrollBy("down", over=A)),
        ('scroll until "A"', ScrollUntil(A)),
        ('scroll up until "A" is visible', ScrollUntil(A, up=True)),
        ('drag "A" to "B"', DragTo(A, Find("B"))),
        ('drag "A" to 5, 6', DragTo(A, At(5, 6))),
        ("go to https://shop.test/a?b=1", GoTo("https://shop.test/a?b=1")),
        ("go back", Browse("back")),
        ("go forward", Browse("forward")),
        ("reload the page", Browse("reload")),
        ("close the tab", Browse("close_tab")),
        ("open a new tab", OpenTab()),
        ("switch to tab 2", SwitchTo(2)),
        ('switch to tab "A"', SwitchTo("A")),
        ('wait for "A"', WaitFor(A)),
        ('wait for "A" for 10 seconds', WaitFor(A, seconds=10)),
        ('wait until "A" is gone', WaitFor(A, gone=True)),
        ("wait 2.5 seconds", WaitSeconds(2.5)),
        ('read "A" as total', ReadValue(A, "total")),
        ('read table below "A" as rows', ReadTable(A, "rows")),
        ('read text right of "A" as x', ReadBeside("right", A, "x")),
        ('expect "A"', Expect(A)),
        ('expect no "A"', Expect(A, present=False)),
        ('upload "a.txt" and "b.txt"', UploadFiles(("a.txt", "b.txt"))),
        ('answer "done"', SayAnswer("done")),
        ('ask "Which one?" as which', AskPerson("Which one?", "which")),
    ],
)
def test_a_sentence_is_read(text: str, meaning: Sentence) -> None:
    assert parse_sentence(text) == meaning


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("click Submit", 'click "text"'),
        ('clik "Submit"', 'click "text"'),
        ('type "x" onto "y"', 'type "…" into "label"'),
        ("press Entr", "did you mean 'Enter'"),
        ('read table under "x"', "as name"),
        ("scroll", "scroll down"),
        ('click "unclosed', 'click "text"'),
        ("", "nearest form"),
        ("press Tab 0 times", "1 to 100"),
    ],
)
def test_what_is_no_sentence_is_refused_with_the_nearest_form(text: str, hint: str) -> None:
    with pytest.raises(TaskError, match=re.escape(hint)) as caught:
        parse_sentence(text)
    assert "\n" not in str(caught.value)


def test_a_goal_is_divided_outside_of_quotes_only() -> None:
    goal = 'Click "A. B; then C", then type "x" into "y". Press Enter;\nread "z" as z.'
    assert [sentence for _, sentence in parse_goal(goal)] == [
        ClickOn(Find("A. B; then C")),
        TypeInto("x", Find("y")),
        PressKeys(("Enter",)),
        ReadValue(Find("z"), "z"),
    ]


def test_a_goal_in_prose_is_no_list_of_sentences() -> None:
    with pytest.raises(TaskError, match="Buy one blue mug"):
        parse_goal("Buy one blue mug.")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_is_quoted_comes_back_unchanged(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_sentence(f'type "{quoted}"') == TypeInto(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(TaskError):
        parse_sentence(text)
