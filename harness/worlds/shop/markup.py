"""HTML in which everything that is not markup is escaped, whoever forgot to think of it."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(template: str, /, **values: str | int) -> Markup:
    """Put values into the `{name}` places of a template, escaping all that is not `Markup`."""
    safe = {
        name: value if isinstance(value, Markup) else escape(str(value)) for name, value in values.items()
    }
    return Markup(template.format_map(safe))


def joined(parts: Iterable[Markup]) -> Markup:
    """Put pieces of HTML one after another."""
    return Markup("".join(parts))
