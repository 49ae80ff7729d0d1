"""Puts a secret into the field that has the focus, if its frame is one of the secret's hosts'.

The frame's address and the insertion are asked of one document, in a world of our own: no page's script runs
between the look at the focus and the text, and a document that has gone since cannot take it.
"""

from typing import Final

from harness.errors import ActionError
from harness.sandbox.ground_script import function
from harness.secrets import Held

WHERE: Final = function("[self.origin, location.href]")
"""On the focused element: the origin of its frame, and its address."""

INSERT: Final = function(
    "insert(this, a[0], a[1])",
    """
const command = method(Document, 'execCommand');
const insert = (element, value, origin) => {
  if (self.origin !== origin || !matches(element, ':focus')) return 'moved';
  if (!matches(element, ':read-write')) return 'refused';
  return command(ownerDocument(element), 'insertText', false, value) ? 'done' : 'refused';
};
""",
)
"""On the focused element, with a value and the origin it is meant for: whether it took it."""


def check(held: Held | None, name: str, origin: str, address: str) -> Held:
    """Say whether a secret may be typed into a frame, and give it.

    Args:
        held: the secret, if there is one of that name.
        name: what the model called it.
        origin: of the frame, `null` if opaque.
        address: of the frame.

    Raises:
        ActionError: if it may not.
    """
    if held is None:
        raise ActionError(f"there is no secret called {name!r}; nothing was typed in its place")
    page = address if address.startswith(f"{origin}/") else f"{origin}/"
    if origin == "null" or not held.may(page):
        shown = "a page without an origin" if origin == "null" else origin
        raise ActionError(
            f"the secret {name!r} is for pages of {held.hosts} only, not for {shown}; it was not typed"
        )
    return held
