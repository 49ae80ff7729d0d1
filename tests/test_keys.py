import pytest
from harness.errors import ActionError
from harness.keys import canonical_key, chord, modifier, shifted


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Return", "Enter"),
        ("ENTER", "Enter"),
        ("KP_Enter", "Enter"),
        ("Page_Down", "PageDown"),
        ("Prior", "PageUp"),
        ("ctrl", "Control"),
        ("CMD", "Meta"),
        ("super", "Meta"),
        ("option", "Alt"),
        ("ARROWLEFT", "ArrowLeft"),
        ("left", "ArrowLeft"),
        ("ESC", "Escape"),
        ("BackSpace", "Backspace"),
        ("space", " "),
        ("f5", "F5"),
        ("a", "a"),
        ("é", "é"),
        ("\n", "Enter"),
        ("minus", "-"),
        ("KP_7", "7"),
    ],
)
def test_each_vendor_name_has_one_canonical_key(name: str, key: str) -> None:
    assert canonical_key(name) == key


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("ctrl+a", ("Control", "a")),
        (["CTRL", "SHIFT", "t"], ("Control", "Shift", "t")),
        ("ctrl++", ("Control", "+")),
        ("+", ("+",)),
        (["ctrl+shift", "Tab"], ("Control", "Shift", "Tab")),
    ],
)
def test_a_chord_is_read_in_every_spelling(written: str | list[str], keys: tuple[str, ...]) -> None:
    assert chord(written) == keys


@pytest.mark.parametrize("written", ["", [], "ctrl+", "a+b+c+d+e+f+g+h+i", "++"])
def test_what_is_not_a_chord_is_refused(written: str | list[str]) -> None:
    with pytest.raises(ActionError, match="chord"):
        chord(written)


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ActionError, match=r"'Retrun'; did you mean 'Enter'"):
        canonical_key("Retrun")


def test_a_letter_is_not_a_modifier() -> None:
    assert modifier("shift_l") == "Shift"
    with pytest.raises(ActionError, match="not a modifier"):
        modifier("a")


def test_shift_gives_what_a_us_keyboard_gives() -> None:
    assert [shifted(key) for key in ("a", "2", "'", "A", "Enter")] == ["A", "@", '"', "A", "Enter"]
