"""Fara-7B and Fara 1.5: Qwen's form with a browser's own actions, told in our own words."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote_plus

from pydantic import JsonValue

from harness.action import Action, Answer, Back, GiveUp, Reload, Type, parse_action
from harness.models.chat.marked import MarkedDialect
from harness.models.chat.qwen import answered, coordinate, described, ended, named, pointed, text
from harness.models.dialect import Brief, Frame, JsonObject, Unusable

FaraVersion = Literal["7b", "1.5"]

_BOTH: Final[Mapping[str, str]] = {
    "key": "press `keys` together",
    "type": "type `text`, at `coordinate` if given; first delete what is there if `delete_existing_text`, "
    "and press Enter after it if `press_enter`",
    "mouse_move": "move the pointer to `coordinate`",
    "left_click": "click at `coordinate`",
    "scroll": "turn the wheel by `pixels`, up where positive and down where negative",
    "visit_url": "load `url`",
    "web_search": "search the web for `query`",
    "history_back": "go back",
    "pause_and_memorize_fact": "keep `fact` in mind",
    "wait": "wait `time` seconds",
}
_SEVEN: Final[Mapping[str, str]] = {
    **_BOTH,
    "refresh": "load the page again",
    "terminate": "end, with `status`; the result is `answer`, as a JSON object where data is asked for",
}
_NEXT: Final[Mapping[str, str]] = {
    **_BOTH,
    "double_click": "click twice at `coordinate`",
    "right_click": "click with the right button at `coordinate`",
    "triple_click": "click three times at `coordinate`",
    "left_click_drag": "drag from where the pointer is to `coordinate`",
    "hscroll": "turn the wheel sideways by `pixels`, to the right where positive",
    "ask_user_question": "ask the person `question`",
    "terminate": "end, with the result as `answer`; as a JSON object where data is asked for",
}
_REFUSED: Final[Mapping[str, str]] = {
    "run_command": "there is no shell here, and no commands are run",
    "read_page_answer_question": "nobody reads the page for you: look at the screenshot and its text",
}
_FIELDS: Final[Mapping[str, JsonObject]] = {
    "keys": {"type": "array", "items": {"type": "string"}},
    "text": {"type": "string"},
    "coordinate": {"type": "array", "items": {"type": "number"}, "description": "[x, y]"},
    "press_enter": {"type": "boolean"},
    "delete_existing_text": {"type": "boolean"},
    "pixels": {"type": "number"},
    "url": {"type": "string"},
    "query": {"type": "string"},
    "fact": {"type": "string"},
    "time": {"type": "number"},
    "answer": {"type": "string"},
}
_EXTRAS: Final = ("new_tab", "switch_tab", "close_tab", "upload", "give_up")


class FaraVocabulary:
    """What Fara's `computer_use` can do.

    Args:
        version: which Fara.
        search: the URL that a search puts its words behind; empty, and searching is refused by name.
    """

    extras: Final = _EXTRAS

    def __init__(self, version: FaraVersion, search: str) -> None:
        self._version = version
        self._search = search
        known = _SEVEN if version == "7b" else _NEXT
        self._actions = {name: what for name, what in known.items() if search or name != "web_search"}

    def tool(self, width: int, height: int) -> JsonObject:
        """Describe it."""
        own: Mapping[str, JsonObject] = (
            {"status": {"type": "string", "enum": ["success", "failure"]}}
            if self._version == "7b"
            else {"question": {"type": "string"}}
        )
        return described(self._actions, {**_FIELDS, **own}, width, height)

    def read(self, given: Mapping[str, JsonValue], frame: Frame, thought: str) -> Sequence[Action] | str:
        """Give the actions, or the words that keep a fact in the conversation."""
        self._refuse(given.get("action"))
        match action := named(given, self._actions):
            case "type":
                return _typed(given, frame)
            case "visit_url" | "web_search" | "history_back" | "refresh":
                return [self._gone(action, given)]
            case "pause_and_memorize_fact":
                return f"kept in mind: {text(given, 'fact')[:2000]}"
            case "ask_user_question":
                return [parse_action({"kind": "ask_user", "question": text(given, "question")})]
            case "terminate":
                return [self._ended(given, thought)]
            case _:
                return pointed(action, given, frame)

    def _refuse(self, action: JsonValue) -> None:
        """Refuse by name what Fara knows and does not get here."""
        if action == "web_search" and not self._search:
            raise Unusable("unknown_action", "web_search is refused: there is no search page; use visit_url")
        if isinstance(action, str) and action in _REFUSED:
            raise Unusable("unknown_action", f"{action} is refused: {_REFUSED[action]}")

    def _gone(self, action: str, given: Mapping[str, JsonValue]) -> Action:
        match action:
            case "visit_url":
                return _goto(text(given, "url"))
            case "web_search":
                return _goto(self._search + quote_plus(text(given, "query")))
            case "history_back":
                return Back()
            case _:
                return Reload()

    def _ended(self, given: Mapping[str, JsonValue], thought: str) -> Action:
        said = given.get("answer")
        if self._version == "7b":
            end = ended(given, thought)
            return answered(said) if isinstance(end, Answer) and isinstance(said, str) else end
        if given.get("status") == "failure":
            return GiveUp(reason=thought[:10_000])
        return answered(text(given, "answer"))


def fara_dialect(
    model: str,
    brief: Brief,
    fields: Mapping[str, JsonValue],
    *,
    version: FaraVersion,
    search: str,
    spotlight: bool = False,
) -> MarkedDialect:
    """Speak to Fara-7B, in pixels of the picture, or Fara 1.5, in thousandths."""
    space: Literal["pixels", "thousandths"] = "pixels" if version == "7b" else "thousandths"
    vocabulary = FaraVocabulary(version, search)
    return MarkedDialect(model, brief, fields, vocabulary, space=space, provider="fara", spotlight=spotlight)


def _typed(given: Mapping[str, JsonValue], frame: Frame) -> list[Action]:
    """Typing is several actions, each judged alone; Enter is pressed only where the model asks for it."""
    typed = text(given, "text")
    actions: list[Action] = []
    if given.get("coordinate") is not None:
        x, y = coordinate(given, frame)
        actions.append(parse_action({"kind": "click", "x": x, "y": y}))
    if given.get("delete_existing_text") is True:
        actions.append(parse_action({"kind": "press", "keys": ["Control", "a"]}))
        actions.append(parse_action({"kind": "press", "keys": ["Backspace"]}))
    if typed:
        actions.append(parse_action({"kind": "type", "text": typed}))
    if given.get("press_enter") is True:
        match actions[-1:]:
            case [Type(text=said)] if said.endswith("\n"):
                pass
            case _:
                actions.append(parse_action({"kind": "press", "keys": ["Enter"]}))
    return actions


def _goto(url: str) -> Action:
    """An address without a scheme is a host's, and means https."""
    if any(one.isspace() for one in url):
        raise Unusable(
            "bad_arguments", f"url is an address, not words: {url[:80]!r}; search for words instead"
        )
    scheme, _, rest = url.partition(":")
    bare = not rest or "." in scheme or rest[:1].isdigit()
    return parse_action({"kind": "goto", "url": f"https://{url}" if bare and url else url})
