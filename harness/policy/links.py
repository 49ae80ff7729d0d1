"""Whether the rules that `after` and `before` name exist, and do not wait for one another in a circle."""

from collections.abc import Mapping, Sequence

from harness.policy.conditions import located, nearest
from harness.policy.rules import Rule


def check_links(rules: Sequence[Rule], inherited: int = 0) -> None:
    """Check the names of other rules in `after` and `before`.

    Args:
        rules: those of the policies that this one extends, then its own.
        inherited: how many of them are not its own.

    Raises:
        ValidationError: with the place in the policy's own list.
    """
    known = {rule.name: rule for rule in rules}
    for place, rule in enumerate(rules[inherited:]):
        for field, names in (("after", rule.when.after), ("before", rule.when.before)):
            for at, name in enumerate(names or ()):
                if name not in known:
                    what = f"no rule has this name; {nearest(name, tuple(known))}"
                    raise located(("rules", place, "when", field, at), what, name)
        circle = _circle(rule, known)
        if circle:
            what = f"these rules wait for one another, so none ever speaks: {' → '.join(circle)}"
            raise located(("rules", place, "when", "after"), what, rule.name)


def _circle(rule: Rule, known: Mapping[str, Rule]) -> tuple[str, ...]:
    """A chain in which each rule can only speak after the next one, back to the first; empty without one."""
    paths = [(rule.name, *names) for names in _only(rule)]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        if path[-1] == rule.name:
            return path
        if path[-1] not in seen:
            seen.add(path[-1])
            paths += [(*path, *names) for names in _only(known[path[-1]])] if path[-1] in known else []
    return ()


def _only(rule: Rule) -> list[tuple[str, ...]]:
    # Of several names any one is enough, so only a rule that names one waits for it in any case.
    return [rule.when.after] if rule.when.after and len(rule.when.after) == 1 else []
