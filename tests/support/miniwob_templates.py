"""From the instruction of a MiniWoB++ page to sentences: one template per kind of task."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType


def _q(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _as(pattern: str, *steps: str) -> Callable[[str], tuple[str, ...]]:
    """Make a template: `{0}` in a step is the pattern's first group, quoted."""

    def fill(goal: str) -> tuple[str, ...]:
        found = re.fullmatch(pattern, goal.strip(), re.DOTALL)
        if found is None:
            raise ValueError(f"the instruction {goal!r} does not fit {pattern!r}")
        return tuple(step.format(*(_q(group) for group in found.groups())) for step in steps)

    return fill


def _checkboxes(goal: str) -> tuple[str, ...]:
    found = re.fullmatch(r"Select (.*) and click Submit\.?", goal.strip())
    if found is None:
        raise ValueError(f"the instruction {goal!r} does not name boxes")
    words = [] if found[1] == "nothing" else found[1].split(", ")
    return (*(f"check {_q(word)}" for word in words), 'click the button "Submit"')


def _upper(goal: str) -> tuple[str, ...]:
    found = re.fullmatch(
        r'Type "(.*)" in all (upper|lower) case letters in the text input and press Submit\.', goal
    )
    if found is None:
        raise ValueError(f"the instruction {goal!r} does not say a case")
    text = found[1].upper() if found[2] == "upper" else found[1].lower()
    return (f"type {_q(text)} into the field", 'click the button "Submit"')


TEMPLATES: Mapping[str, Callable[[str], tuple[str, ...]]] = MappingProxyType(
    {
        "click-test": _as(r"Click the button\.", 'click "Click Me!"'),
        "click-button": _as(r'Click on the "(.*)" button\.', "click the first button {0}"),
        "click-dialog-2": _as(r'Click the button in the dialog box labeled "(.*)"\.', "click the button {0}"),
        "click-tab": _as(r"Click on (Tab #\d)\.", "click {0}"),
        "click-link": _as(r'Click on the link "(.*)"\.', "click the first link {0}"),
        "click-checkboxes": _checkboxes,
        "click-checkboxes-large": _checkboxes,
        "click-checkboxes-transfer": _checkboxes,
        "click-option": _as(r"Select (.*) and click Submit\.", "check {0}", 'click the button "Submit"'),
        "choose-list": _as(
            r"Select (.*) from the list and click Submit\.", "select {0}", 'click the button "Submit"'
        ),
        "enter-text": _as(
            r'Enter "(.*)" into the text field and press Submit\.',
            "type {0} into the field",
            'click the button "Submit"',
        ),
        "enter-text-2": _upper,
        "enter-text-dynamic": _as(
            r'Enter "(.*)" into the text field and press Submit\.',
            "type {0} into the field",
            'click the button "Submit"',
        ),
        "enter-password": _as(
            r'Enter the password "(.*)" into both text fields and press submit\.',
            "type {0} into the 1st field",
            "type {0} into the 2nd field",
            'click the button "Submit"',
        ),
        "enter-date": _as(
            r"Enter (.*) as the date and hit submit\.", "type {0} into the field", 'click the button "Submit"'
        ),
        "login-user": _as(
            r'Enter the username "(.*)" and the password "(.*)" into the text fields and press login\.',
            'type {0} into "Username" below "the text fields"',
            'type {1} into "Password" below "the text fields"',
            'click the button "Login"',
        ),
        "focus-text": _as(r"Focus into the textbox\.", "click the field"),
        "focus-text-2": _as(r"Focus into the (.*) input textbox\.", "click the {0} field"),
        "multi-orderings": _as(
            r"Search for (.*) movies directed by (.*) from year (.*)\.",
            'type {0} into "Genre" below "from year"',
            'type {1} into "Director" below "from year"',
            'type {2} into "Year" below "from year"',
            'click the button "Submit"',
        ),
        "read-table": _as(
            r"Enter the value of (.*) into the text field and press Submit\.",
            "read exactly {0} as value",
            'type the value of value into the field above "Submit"',
            'click the button "Submit"',
        ),
    }
)
"""A template for each kind of task that is tried, by the page's name."""


def sentences(kind: str, goal: str) -> tuple[str, ...]:
    """Give the sentences for the instruction of a page.

    Raises:
        KeyError: if there is no template for this kind.
        ValueError: if the instruction does not fit the template.
    """
    steps = TEMPLATES[kind](" ".join(goal.split()))
    if kind == "focus-text-2":
        return tuple(step.replace('"', "") for step in steps)
    return steps
