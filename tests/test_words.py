import unicodedata

import pytest
from harness.action import KINDS, parse_action
from harness.clearance import Act, FileOffer, Plan, Request, SafetySignal, Target
from harness.words import address, describe, host, quoted, visible
from hypothesis import given
from hypothesis import strategies as st

BUTTON = Target(role="button", name="Place order", frame_origin="https://shop.test")
FIELD = Target(role="textbox", name="Full name", frame_origin="https://shop.test")
SECRET = Target(tag="input", password=True)


@pytest.mark.parametrize(
    ("data", "target", "words"),
    [
        (
            {"kind": "click", "x": 640, "y": 512},
            BUTTON,
            "click 'Place order' (button) in https://shop.test at 640, 512",
        ),
        (
            {"kind": "click", "x": 1, "y": 2, "button": "right", "count": 2, "modifiers": "ctrl"},
            None,
            "double-right-click at 1, 2 with Control held",
        ),
        ({"kind": "move", "x": 1, "y": 2}, None, "point at the screen at 1, 2"),
        ({"kind": "mouse_down"}, None, "press the left mouse button on the screen where the pointer is"),
        ({"kind": "mouse_up", "x": 3, "y": 4}, None, "release the left mouse button on the screen at 3, 4"),
        ({"kind": "drag", "path": [[1, 2], [3, 4], [5, 6]]}, None, "drag from 1, 2 to 5, 6"),
        ({"kind": "scroll", "x": 1, "y": 2, "dy": -300}, None, "scroll 300 px up at 1, 2"),
        (
            {"kind": "type", "text": "Ada"},
            FIELD,
            "type 'Ada' into 'Full name' (textbox) in https://shop.test",
        ),
        ({"kind": "type", "text": "hunter2"}, SECRET, "type 7 hidden characters into a input"),
        ({"kind": "press", "keys": "ctrl+a"}, FIELD, "press Control+a in 'Full name' (textbox)"),
        ({"kind": "hold", "keys": "shift", "seconds": 1.5}, None, "hold Shift for 1.5 s"),
        ({"kind": "wait", "seconds": 2}, None, "wait 2 s"),
        ({"kind": "screenshot"}, None, "look again"),
        ({"kind": "zoom", "region": [0, 0, 10, 20]}, None, "look closer at 0, 0 to 10, 20"),
        ({"kind": "goto", "url": "https://bücher.test/ä"}, None, "go to https://xn--bcher-kva.test/%C3%A4"),
        ({"kind": "back"}, None, "go back"),
        ({"kind": "forward"}, None, "go forward"),
        ({"kind": "reload"}, None, "load the page again"),
        ({"kind": "new_tab"}, None, "open a new tab"),
        ({"kind": "new_tab", "url": "https://a.test"}, None, "open a new tab at https://a.test/"),
        ({"kind": "switch_tab", "tab": 3}, None, "switch to tab 3"),
        ({"kind": "close_tab"}, None, "close this tab"),
        ({"kind": "upload", "files": ["a.pdf", "b.pdf"]}, None, "upload 'a.pdf', 'b.pdf'"),
        ({"kind": "ask_user", "question": "Which?"}, None, "ask you: 'Which?'"),
        ({"kind": "answer", "text": "7", "data": {"n": 7}}, None, "finish with the answer '7' with n"),
        ({"kind": "give_up", "reason": "no"}, None, "give up: 'no'"),
    ],
)
def test_every_action_is_said_in_words(data: dict[str, object], target: Target | None, words: str) -> None:
    assert describe(Act(action=parse_action(data), target=target)).startswith(words)


def test_no_action_is_left_out() -> None:
    (mark,) = [one for one in test_every_action_is_said_in_words.pytestmark if one.name == "parametrize"]  # type: ignore[attr-defined]
    assert {case[0]["kind"] for case in mark.args[1]} == set(KINDS)


def test_other_effects_are_said_in_words() -> None:
    request = Request(id="r", method="POST", url="https://shop.test/orders", body_size=1430)
    assert describe(request) == "POST https://shop.test/orders (1,430 bytes)"
    assert describe(Plan(text="buy")) == "follow the plan 'buy'"
    file = FileOffer(name="a\u202egpj.exe", url="https://a.test/a")
    assert describe(file) == "keep the file 'a\\u{202e}gpj.exe' from https://a.test/a"
    assert (
        describe(SafetySignal(provider="openai", code="malicious", message="hm"))
        == "go on after the warning malicious by openai: 'hm'"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain £ é 日本", "plain £ é 日本"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31mred", "\\e[31mred"),
        ("\x9b2J\x7f\x00", "\\u{9b}2J\\u{7f}\\u{0}"),
        ("abc\u202etxt.exe", "abc\\u{202e}txt.exe"),
        ("pay\u200bpal\ufeff\u2060", "pay\\u{200b}pal\\u{feff}\\u{2060}"),
        ("\u2028\u2029", "\\u{2028}\\u{2029}"),
        ("a\u00a0b\u3000c\u3164d\u2800", "a\\u{a0}b\\u{3000}c\\u{3164}d\\u{2800}"),
        ("\U000e0041\ufe0f", "\\u{e0041}\\u{fe0f}"),
        ("\ud800", "\\u{d800}"),
        ("\\n is not a newline", "\\\\n is not a newline"),
        ("e\u0301\u0301\u0301", "e\u0301\u0301\\u{301}"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_invisible_is_ever_shown(text: str) -> None:
    shown = visible(text)
    assert all(one == " " or unicodedata.category(one)[0] not in "CZ" for one in shown)
    shown.encode()


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (visible(one) == visible(other)) == (one == other)


def test_a_long_text_shows_its_head_its_tail_and_its_length() -> None:
    text = "a" * 5000 + "pay 1000" + "z" * 5000
    assert visible(text, 30) == "a" * 20 + " […10,008 characters in all…] " + "z" * 10


def test_a_quote_cannot_end_early() -> None:
    assert quoted("it's (button) in 'x'") == "'it\\'s (button) in \\'x\\''"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://shop.test@evil.test/", "evil.test"),
        ("https://b\u00fccher.test:8443/", "xn--bcher-kva.test:8443"),
        ("https:\\\\evil.test", "evil.test"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("about:blank", "no host"),
        ("no url", "no host"),
    ],
)
def test_a_host_is_the_one_a_browser_would_go_to(url: str, name: str) -> None:
    assert host(url) == name


def test_an_address_that_cannot_be_read_is_shown_in_ascii() -> None:
    assert address("b\u00fccher \u202e") == "b%C3%BCcher %E2%80%AE"
