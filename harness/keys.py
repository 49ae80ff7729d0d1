"""Key names: one canonical spelling for every name a model vendor uses.

The canonical names are the `KeyboardEvent.key` values of the W3C UI Events specification ("Enter",
"ArrowDown", "Control"). Models write X11 keysyms (Anthropic: "Return", "Page_Down", "ctrl+a"), upper-case
words (OpenAI: "ENTER", "CTRL"), or DOM names; all of them are read here and nowhere else.
"""

import difflib

from harness.errors import ActionError

MODIFIERS = ("Alt", "Control", "Meta", "Shift")

_NAMED = (
    *MODIFIERS,
    *("AltGraph", "CapsLock", "NumLock", "ScrollLock"),
    *("Enter", "Tab", "Escape", "Backspace", "Delete", "Insert"),
    *("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "Home", "End", "PageUp", "PageDown"),
    *("ContextMenu", "PrintScreen", "Pause"),
    *(f"F{number}" for number in range(1, 25)),
)

_SHIFTED = dict(zip("`1234567890-=[]\\;',./", '~!@#$%^&*()_+{}|:"<>?', strict=True))

_ALIASES = {
    "ctrl": "Control",
    "controlleft": "Control",
    "controlright": "Control",
    "control_l": "Control",
    "control_r": "Control",
    "shift_l": "Shift",
    "shift_r": "Shift",
    "shiftleft": "Shift",
    "shiftright": "Shift",
    "alt_l": "Alt",
    "alt_r": "Alt",
    "altleft": "Alt",
    "altright": "Alt",
    "option": "Alt",
    "opt": "Alt",
    "cmd": "Meta",
    "command": "Meta",
    "super": "Meta",
    "super_l": "Meta",
    "super_r": "Meta",
    "win": "Meta",
    "windows": "Meta",
    "metaleft": "Meta",
    "metaright": "Meta",
    "meta_l": "Meta",
    "meta_r": "Meta",
    "iso_level3_shift": "AltGraph",
    "return": "Enter",
    "kp_enter": "Enter",
    "numpadenter": "Enter",
    "linefeed": "Enter",
    "esc": "Escape",
    "back_space": "Backspace",
    "del": "Delete",
    "kp_delete": "Delete",
    "ins": "Insert",
    "kp_insert": "Insert",
    "left": "ArrowLeft",
    "up": "ArrowUp",
    "right": "ArrowRight",
    "down": "ArrowDown",
    "arrow_left": "ArrowLeft",
    "arrow_up": "ArrowUp",
    "arrow_right": "ArrowRight",
    "arrow_down": "ArrowDown",
    "kp_left": "ArrowLeft",
    "kp_up": "ArrowUp",
    "kp_right": "ArrowRight",
    "kp_down": "ArrowDown",
    "kp_home": "Home",
    "kp_end": "End",
    "page_up": "PageUp",
    "page_down": "PageDown",
    "pgup": "PageUp",
    "pgdn": "PageDown",
    "pgdown": "PageDown",
    "prior": "PageUp",
    "next": "PageDown",
    "kp_page_up": "PageUp",
    "kp_page_down": "PageDown",
    "menu": "ContextMenu",
    "apps": "ContextMenu",
    "print": "PrintScreen",
    "print_screen": "PrintScreen",
    "prtsc": "PrintScreen",
    "break": "Pause",
    "caps_lock": "CapsLock",
    "num_lock": "NumLock",
    "scroll_lock": "ScrollLock",
    "iso_left_tab": "Tab",
    "kp_tab": "Tab",
    "space": " ",
    "spacebar": " ",
    "kp_space": " ",
    "plus": "+",
    "kp_add": "+",
    "minus": "-",
    "kp_subtract": "-",
    "hyphen": "-",
    "equal": "=",
    "equals": "=",
    "kp_equal": "=",
    "underscore": "_",
    "comma": ",",
    "kp_separator": ",",
    "period": ".",
    "dot": ".",
    "kp_decimal": ".",
    "slash": "/",
    "kp_divide": "/",
    "backslash": "\\",
    "semicolon": ";",
    "colon": ":",
    "apostrophe": "'",
    "quote": "'",
    "quotedbl": '"',
    "grave": "`",
    "backquote": "`",
    "asciitilde": "~",
    "tilde": "~",
    "bracketleft": "[",
    "bracketright": "]",
    "braceleft": "{",
    "braceright": "}",
    "parenleft": "(",
    "parenright": ")",
    "less": "<",
    "greater": ">",
    "question": "?",
    "exclam": "!",
    "at": "@",
    "numbersign": "#",
    "dollar": "$",
    "percent": "%",
    "asciicircum": "^",
    "ampersand": "&",
    "asterisk": "*",
    "kp_multiply": "*",
    "bar": "|",
    **{f"kp_{digit}": str(digit) for digit in range(10)},
    **{f"numpad{digit}": str(digit) for digit in range(10)},
    **{f"digit{digit}": str(digit) for digit in range(10)},
    **{f"key{letter}": letter for letter in "abcdefghijklmnopqrstuvwxyz"},
}

_BY_NAME = {name.lower(): name for name in _NAMED} | _ALIASES


def canonical_key(name: str) -> str:
    """Give the canonical name of one key.

    Args:
        name: a key as OpenAI, Anthropic, X11 or the DOM spells it, or one printable character.

    Raises:
        ActionError: if no keyboard has such a key; the message names the nearest one.
    """
    if len(name) == 1 and (name.isprintable() or name == " "):
        return name
    if name in ("\n", "\r"):
        return "Enter"
    if name == "\t":
        return "Tab"
    found = _BY_NAME.get(name.strip().lower())
    if found is not None:
        return found
    near = difflib.get_close_matches(name.strip().lower(), _BY_NAME, n=1)
    hint = f"; did you mean {_BY_NAME[near[0]]!r}?" if near else ""
    raise ActionError(f"no key is called {name!r}{hint}")


def chord(keys: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Read a chord: `"ctrl+shift+t"`, `["CTRL", "A"]` and `"Return"` each give canonical names.

    The keys are held in the order given and released in reverse. `"+"` alone, and a trailing `"+"` as in
    `"ctrl++"`, is the plus key.

    Raises:
        ActionError: if it is empty, longer than eight keys, or names an unknown key.
    """
    parts: list[str] = []
    for piece in [keys] if isinstance(keys, str) else keys:
        if len(piece) > 1 and "+" in piece:
            body = piece.removesuffix("++")
            parts += body.split("+") + (["+"] if piece.endswith("++") else [])
        else:
            parts.append(piece)
    if not parts or len(parts) > 8 or "" in parts:
        raise ActionError(f"a chord is one to eight keys joined by '+', such as 'ctrl+a': {keys!r} is not")
    return tuple(canonical_key(part) for part in parts)


def modifier(name: str) -> str:
    """Give the canonical name of a modifier: Alt, Control, Meta or Shift.

    Raises:
        ActionError: if the key is not one that can be held during a click.
    """
    key = canonical_key(name)
    if key not in MODIFIERS:
        raise ActionError(f"{name!r} is not a modifier; use one of {', '.join(MODIFIERS)}")
    return key


def shifted(key: str) -> str:
    """Give what a key of a US keyboard is with Shift held: `@` for `2`."""
    return _SHIFTED.get(key, key.upper() if len(key) == 1 else key)
