"""The rules on one kind of effect, by field: which of them speak of an effect.

Every condition is compiled once. Rules are bits of an integer: each field gives the set of rules it satisfies
and the sets are intersected, so a verdict costs about the same with ten rules as with a thousand.
"""

from collections.abc import Mapping, Sequence

from harness.policy.conditions import NUMBERS, RUN, read_condition, read_number
from harness.policy.match import NumberIndex, TextIndex, Values
from harness.policy.rules import Rule
from harness.policy.values import Read

NO_NUMBERS: Mapping[str, int | None] = {}


class Table:
    """Some rules, compiled.

    Args:
        rules: each with its bit. What they say of the run so far and of the screen is left to `History`.
        sure: whether doubt keeps a rule silent (true) or makes it speak (false); if not given, it keeps those
            silent that allow, and no others.
        seen: whether to look at the conditions on the screen alone, or at all others.
    """

    def __init__(
        self, rules: Sequence[tuple[int, Rule]], *, sure: bool | None = None, seen: bool = False
    ) -> None:
        self.all = 0
        self.strict = 0
        texts: dict[str, list[tuple[int, str]]] = {}
        for bit, rule in rules:
            self.all |= bit
            self.strict |= bit if (rule.verdict == "allow" if sure is None else sure) else 0
            for field, values in rule.when.conditions():
                if field not in RUN and field.startswith("seen.") == seen:
                    texts.setdefault(field, []).extend((bit, value) for value in values)
        self.numbers = {
            field: NumberIndex([(bit, read_number(field, value)) for bit, value in texts.pop(field)])
            for field in NUMBERS
            if field in texts
        }
        indexes = {
            field: TextIndex([(bit, read_condition(field, value)) for bit, value in conditions])
            for field, conditions in texts.items()
        }
        self.fields = sorted(indexes.items(), key=lambda item: item[1].by_regex.bit_count())

    def speaking(self, read: Read, numbers: Mapping[str, int | None] = NO_NUMBERS, among: int = -1) -> int:
        """Give the rules, of those named, whose conditions all hold.

        Args:
            read: gives the value of a field.
            numbers: the effect's numbers, by field; nothing for one that is not known.
            among: which rules may speak at all.

        Raises:
            RuleFailedError: if a pattern cannot be tried.
        """
        alive = self.all & among
        for name, compared in self.numbers.items():
            number = numbers.get(name)
            found = ~self.strict if number is None else compared.matching(number, alive)
            alive &= found | ~compared.conditioned
        for field, index in self.fields:
            wanted = alive & index.conditioned
            if wanted:
                alive &= self._matching(index, read(field), wanted) | ~index.conditioned
        return alive

    def _matching(self, index: TextIndex, values: Values, wanted: int) -> int:
        if values is None:
            return wanted & ~self.strict
        some, every = 0, wanted if values else 0
        for value in values:
            found = index.matching(value, wanted)
            some |= found
            every &= found
        return (some & ~self.strict) | (every & self.strict)
