"""One vision model: a dialect, a line, and what is the same for every vendor."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from pydantic import JsonValue

from harness.action import Answer
from harness.clearance import Incident, Reply, Usage
from harness.errors import ModelError
from harness.models.body import checked
from harness.models.catalogue import ModelFacts
from harness.models.context import Context
from harness.models.dialect import Dialect, Frame, Heard, JsonObject, Line, Trouble, Turn
from harness.models.functions import left_at
from harness.models.images import Detail
from harness.models.retry import LONGEST_MESSAGE, Asked, Retry
from harness.models.tokens import cost, estimate, text_tokens
from harness.screen import Observation

_FULL: Final = 0.9
"""Of a context window, the part that a request may fill: the count beforehand is an estimate."""


class VisionModel:
    """Asks a vendor's model what to do next. A `harness.models.base.Foresighted` and `Telling`.

    Args:
        dialect: how it is spoken to.
        line: how requests get there.
        context: what is sent.
        retry: how often it is asked again.
        facts: what is known of the model: prices, limits, how it counts pictures.
        output_tokens: tokens of one answer at most.
        today: the day, for prices that change.
        detail: how sharp pictures are sent.
        keys: what must not be seen in any message, such as an API key, besides the line's secrets.
    """

    def __init__(
        self,
        dialect: Dialect,
        line: Line,
        context: Context,
        retry: Retry,
        *,
        facts: ModelFacts,
        output_tokens: int,
        today: Callable[[], date],
        detail: Detail = "high",
        keys: Sequence[str] = (),
    ) -> None:
        self._dialect = dialect
        self._line = line
        self._context = context
        self._retry = retry
        self._facts = facts
        self._output_tokens = output_tokens
        self._today = today
        self._detail: Detail = detail
        self._keys = tuple(key for key in keys if key)
        self._pointer = (0, 0)
        self._asking: Callable[[JsonObject], None] | None = None

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model."""
        return self._facts

    def expected(self, observation: Observation) -> Usage:
        """Say what asking will use at most, as if nothing of it were cached."""
        return self._estimated(self._context.see(observation))

    def tell(self, asking: Callable[[JsonObject], None]) -> None:
        """Have `asking` called with what is sent, before it is; asking again is not told again."""
        self._asking = asking

    async def reply(self, observation: Observation) -> Reply:
        """Ask, again where that may help, and read the answer."""
        self._follow(observation)
        turns = self._context.see(observation)
        while self._too_long(turns) and self._context.cut():
            turns = self._context.sent()
        request = self._dialect.request(turns, self._context.marks(turns))
        heard: list[Heard] = []
        raw: list[JsonValue] = []
        if self._asking is not None:
            hidden = self._hidden(request)
            self._asking(hidden if isinstance(hidden, dict) else {})

        async def send() -> JsonValue:
            answer = checked(await self._line.send(request))
            raw.append(answer)
            heard.append(self._dialect.read(answer, Frame(self._context.space, self._pointer)))
            return answer

        asked = await self._retry.ask(send)
        if asked.trouble is not None:
            return self._unanswered(asked, asked.trouble, raw[-1] if raw else None)
        return self._answered(heard[-1], asked)

    async def ready(self) -> None:
        """See whether it can be asked at all. See `harness.models.base.Ready`.

        Raises:
            ModelError: if not, with what to do.
        """
        try:
            await self._line.ready()
        except Trouble as trouble:
            said = f"{self._dialect.provider}: {trouble.fault}: {self._unkeyed(str(trouble))}"
            raise ModelError(said[:LONGEST_MESSAGE]) from trouble

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self._line.close()

    def _answered(self, heard: Heard, asked: Asked) -> Reply:
        self._context.hear(heard)
        priced = heard.usage.model_copy(update={"cost_usd": cost(self._facts, heard.usage, on=self._today())})
        actions = heard.actions
        if not heard.calls and heard.thought.strip() and not heard.incidents:
            # Words without a call are how these models say that they are done.
            actions = (Answer(text=heard.thought),)
        return Reply(
            actions=actions,
            thought=heard.thought,
            signals=heard.signals,
            usage=priced,
            incidents=self._clean((*asked.incidents, *heard.incidents)),
            raw=self._hidden(asked.answer),
        )

    def _unanswered(self, asked: Asked, trouble: Trouble, raw: JsonValue) -> Reply:
        incidents = self._clean(asked.incidents)
        times = f" (asked {len(incidents)} times)" if len(incidents) > 1 else ""
        said = f"{self._dialect.provider}: {trouble.fault}: {incidents[-1].message}{times}"
        return Reply(
            thought=f"(no answer: {said})",
            incidents=incidents,
            failure=said if trouble.ends else "",
            raw=self._hidden(raw),
        )

    def _estimated(self, turns: Sequence[Turn]) -> Usage:
        total, pictures = text_tokens(self._dialect.overhead), []
        for turn in turns:
            seen = turn.seen
            total += text_tokens(seen.text) + sum(text_tokens(one.text) for one in seen.outcomes)
            if turn.heard is not None:
                total += text_tokens(json.dumps(turn.heard.items, ensure_ascii=False))
            if seen.picture is not None:
                pictures.append(seen.picture.size)
        return estimate(
            self._facts, total, pictures, self._output_tokens, detail=self._detail, on=self._today()
        )

    def _too_long(self, turns: Sequence[Turn]) -> bool:
        window, tokens = self._facts.context, self._estimated(turns).input_tokens
        return window is not None and tokens is not None and tokens > window * _FULL

    def _follow(self, observation: Observation) -> None:
        """Keep where the pointer is: some models click without saying where."""
        for result in observation.results:
            if result.status == "done":
                self._pointer = left_at(result.action) or self._pointer

    def _clean(self, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
        return tuple(one.model_copy(update={"message": self._unkeyed(one.message)}) for one in incidents)

    def _unkeyed(self, text: str) -> str:
        for key in self._secrets():
            text = text.replace(key, "(key)")
        return text

    def _hidden(self, raw: JsonValue) -> JsonValue:
        secrets = self._secrets()
        if not secrets or raw is None:
            return raw
        text = json.dumps(raw, ensure_ascii=False)
        found: JsonValue = json.loads(self._unkeyed(text)) if any(key in text for key in secrets) else raw
        return found

    def _secrets(self) -> tuple[str, ...]:
        return tuple(one for one in (*self._keys, *self._line.secrets()) if one)
