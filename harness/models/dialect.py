"""What stands between an observation and a vendor's wire: the words that every dialect and line share.

    Observation ─▶ Context ─▶ Turn… ─▶ Dialect.request ─▶ JSON
                                                            │ Line.send
                     Reply ◀─ Heard ◀─── Dialect.read ◀── JSON

A `Dialect` is pure: it writes what one vendor's API reads, and reads what it answers. A `Line` sends it over
the vendor's SDK. `harness.models.vision.VisionModel` holds both, and knows no vendor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from pydantic import JsonValue

from harness.action import Action
from harness.clearance import Fault, Incident, SafetySignal, Usage
from harness.errors import ActionError
from harness.models.scaling import Space
from harness.task import OutputSpec

JsonObject = dict[str, JsonValue]

LONGEST_THOUGHT: Final = 20_000
"""Characters of a model's own words that are kept; the raw item holds them all."""
MOST_ACTIONS: Final = 100
"""Actions of one answer; what comes after them is not executed."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model is told once, before it sees anything."""

    goal: str
    """What to do: the person's own words."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Values to use, by name."""
    outputs: Mapping[str, OutputSpec] = field(default_factory=dict)
    """What must be found out."""
    secrets: tuple[str, ...] = ()
    """Names of secrets that may be typed as `{{secret:name}}`."""
    uploads: tuple[str, ...] = ()
    """Names of files that may be uploaded."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot as it is sent."""

    png: bytes = field(repr=False)
    """The PNG file."""
    size: tuple[int, int]
    """Its width and height in pixels."""
    space: Space
    """How its coordinates lie on the screen."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that an answer asks for: a tool call, or an item that holds actions."""

    id: str
    """The vendor's id for it; empty if it has none."""
    name: str
    """What was called."""
    first: int = 0
    """Where its actions begin in the reply."""
    count: int = 0
    """How many they are; none if it cannot be used, or asks only for what `answer` says."""
    problem: str = ""
    """Why it cannot be used, in words the model can act on."""
    answer: str = ""
    """What it is answered without any action, such as where the pointer is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    call: Call
    """The call."""
    ok: bool
    """Whether everything it asked for was done."""
    text: str = ""
    """What to tell the model: why not, or what came of it."""
    picture: bytes | None = field(default=None, repr=False)
    """A PNG of its own, such as what a zoom shows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model is sent at one step."""

    step: int
    """The number of the question, from 1."""
    text: str
    """What is said beside the picture, page text in it marked as such."""
    picture: Picture | None
    """The screenshot; nothing if it is too old to be sent again."""
    outcomes: tuple[Outcome, ...] = ()
    """What became of the calls of the answer before; none if that answer is not sent any more."""
    acknowledged: tuple[str, ...] = ()
    """Ids of that answer's signals that policy or person let pass."""
    url: str = ""
    """The address of the active tab."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model answered, read but not judged."""

    actions: tuple[Action, ...] = ()
    """What to do, in order, in pixels of the screen."""
    calls: tuple[Call, ...] = ()
    """What was called, in order."""
    thought: str = ""
    """Its own words."""
    signals: tuple[SafetySignal, ...] = ()
    """The vendor's warnings."""
    usage: Usage = field(default_factory=Usage)
    """What it used; without a price."""
    incidents: tuple[Incident, ...] = ()
    """What was wrong with the answer."""
    items: tuple[JsonValue, ...] = ()
    """What the vendor wants back as history, word for word."""
    id: str = ""
    """The vendor's id for the answer."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer."""

    seen: Seen
    """The question."""
    heard: Heard | None = None
    """The answer; nothing for the question that is being asked."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the coordinates of an answer mean."""

    space: Space
    """The picture it was given for."""
    pointer: tuple[int, int]
    """Where the pointer is, in pixels of the screen."""


class Unusable(Exception):  # noqa: N818 - it never leaves the models: it says which part of an answer is dropped
    """A part of an answer cannot be used."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class Trouble(Exception):  # noqa: N818 - it never leaves the models: it becomes an incident or a failure
    """A question got no answer."""

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        again: bool = False,
        after: float | None = None,
        ends: bool = True,
    ) -> None:
        """Say what happened.

        Args:
            fault: what it was.
            message: in words, the vendor's or ours.
            again: whether asking again may help.
            after: seconds that the vendor wants to be left alone for.
            ends: whether the run is over if it does not; else the model is told and goes on.
        """
        super().__init__(message)
        self.fault = fault
        self.again = again
        self.after = after
        self.ends = ends


class Dialect(Protocol):
    """How one vendor's API is spoken. Pure: the same turns, the same request."""

    @property
    def provider(self) -> str:
        """Whose it is, such as `anthropic`."""
        ...

    @property
    def prunes(self) -> Literal["pictures", "turns"]:
        """What is left out when there are too many pictures: they alone, or the turns that they belong to."""
        ...

    @property
    def overhead(self) -> str:
        """What is sent with every request besides the turns, for counting: instructions and tools."""
        ...

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request.

        Args:
            turns: what was said so far and is still sent; the last has no answer.
            marks: places of turns up to which the vendor may cache, in order.
        """
        ...

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read the body of an answer, whatever it is.

        Raises:
            Trouble: if nothing of it can be used, and asking again may help.
        """
        ...


class Line(Protocol):
    """How a request gets to a vendor."""

    async def send(self, request: JsonObject) -> JsonValue:
        """Send one request, once, and give the body of its answer.

        Raises:
            Trouble: if there is none.
        """
        ...

    async def ready(self) -> None:
        """Get what every request needs and may not be there, such as a token; half a minute at most.

        Raises:
            Trouble: if it cannot be had.
        """
        ...

    def secrets(self) -> Sequence[str]:
        """Give what must not be seen in any message as it is now, such as tokens that are renewed."""
        ...

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        ...


class Hearing:
    """Collects what an answer asks for, in order. What comes after something unusable is not executed."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.calls: list[Call] = []
        self.incidents: list[Incident] = []
        self._broken = False

    def call(self, call_id: str, name: str, read: Callable[[], Sequence[Action] | str]) -> None:
        """Take one call.

        Args:
            call_id: the vendor's id.
            name: what is called.
            read: gives its actions, or a text that answers it; raises `Unusable` or `ActionError`.
        """
        first = len(self.actions)
        if self._broken:
            problem = "not executed: a call before it could not be used"
            self.calls.append(Call(call_id, name, first, problem=problem))
            return
        try:
            found = _few(read(), first)
        except (Unusable, ActionError) as error:
            fault: Fault = error.fault if isinstance(error, Unusable) else "bad_arguments"
            self.fault(fault, str(error))
            self.calls.append(Call(call_id, name, first, problem=str(error)))
            self._broken = True
            return
        if isinstance(found, str):
            self.calls.append(Call(call_id, name, first, answer=found))
            return
        self.actions.extend(found)
        self.calls.append(Call(call_id, name, first, len(found)))

    def fault(self, fault: Fault, message: str) -> None:
        """Take note of something that was wrong."""
        self.incidents.append(Incident(fault=fault, message=message[:2000]))

    def heard(
        self,
        thought: str,
        *,
        usage: Usage,
        signals: Sequence[SafetySignal] = (),
        items: Sequence[JsonValue] = (),
        answer_id: str = "",
    ) -> Heard:
        """Give everything; an answer without any call and any word is one of the faults."""
        if not self.calls and not thought.strip() and not self.incidents:
            self.fault("empty", "the answer holds neither words nor a call")
        return Heard(
            actions=tuple(self.actions),
            calls=tuple(self.calls),
            thought=thought[:LONGEST_THOUGHT],
            signals=tuple(signals),
            usage=usage,
            incidents=tuple(self.incidents),
            items=tuple(items),
            id=answer_id,
        )


def _few(found: Sequence[Action] | str, before: int) -> Sequence[Action] | str:
    if not isinstance(found, str) and before + len(found) > MOST_ACTIONS:
        raise Unusable("too_large", f"more than {MOST_ACTIONS} actions in one answer")
    return found
