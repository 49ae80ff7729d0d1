"""What a model was sent, in blobs that say nothing twice: a long history is not written again at each step.

The blob that `asked_model.request` names is one JSON object:

    {"new": {…}, "same": ["tools", …], "lists": {"messages": [[0, 12], {"role": "user", …}], …}}

Its members make up the request, each of them in one of three ways:

- `new`: as it was sent;
- `same`: as in the request before, which is the one of the last `asked_model` line before that has one;
- `lists`: a list, of which `[start, count]` stands for so many items of the list of that name in the request
  before, and anything else is an item that was sent. An item that is itself a list stands in a list of one.

A picture stands nowhere in it: in its place is an object with the SHA-256 of the file, its media type and its
bytes, `{"sha256": "…", "media_type": "image/png", "bytes": 81234}`. If it was sent as it was seen, a blob has
this name: the screenshot.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.events import AskedModel
from harness.trace.reader import Trace

JsonObject = dict[str, JsonValue]

SHORTEST: Final = 1024
"""Characters from which on a text may be a picture."""
_PICTURES: Final = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}
_JSON = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


class Asking:
    """Writes the requests of one run, each relative to the one before."""

    def __init__(self) -> None:
        self._before: JsonObject = {}
        self._pictures: dict[str, JsonValue] = {}

    def blob(self, request: JsonObject) -> bytes:
        """Give the blob of the next request.

        Raises:
            ValueError: if it has no JSON form.
        """
        pictures: dict[str, JsonValue] = {}
        bare = {name: self._bare(value, pictures) for name, value in request.items()}
        new: JsonObject = {}
        same: list[JsonValue] = []
        lists: JsonObject = {}
        for name, value in bare.items():
            before = self._before.get(name)
            if name in self._before and value == before:
                same.append(name)
            elif isinstance(value, list) and isinstance(before, list):
                lists[name] = _runs(value, before)
            else:
                new[name] = value
        data = _JSON.encode({"new": new, "same": same, "lists": lists}).encode()
        self._before, self._pictures = bare, pictures
        return data

    def _bare(self, value: JsonValue, pictures: dict[str, JsonValue]) -> JsonValue:
        match value:
            case str() if len(value) >= SHORTEST:
                found = self._pictures[value] if value in self._pictures else _picture(value)
                if found is None:
                    return value
                pictures[value] = found
                return found
            case dict():
                return {name: self._bare(one, pictures) for name, one in value.items()}
            case list():
                return [self._bare(one, pictures) for one in value]
            case _:
                return value


def requests(trace: Trace) -> Iterator[tuple[int, JsonObject]]:
    """Give what the model was sent, put together again: the step, and the request with its pictures named.

    Raises:
        TraceError: if a blob is missing, was changed, or is not what such a blob is.
    """
    before: JsonObject = {}
    for recorded in trace.events:
        event = recorded.event
        if not isinstance(event, AskedModel) or event.request is None:
            continue
        try:
            before = _whole(json.loads(trace.blobs.get(event.request)), before)
        except (ValueError, RecursionError) as error:
            raise TraceError(
                f"{trace.folder}: step {event.step}: what the model was sent cannot be read: {error}"
            ) from error
        yield event.step, before


def _picture(text: str) -> JsonValue:
    media, data = "", text
    if text.startswith("data:"):
        media, _, data = text[5:].partition(";base64,")
    media = next((kind for head, kind in _PICTURES.items() if data.startswith(head)), media)
    if not media:
        return None
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    return {"sha256": hashlib.sha256(raw).hexdigest(), "media_type": media[:100], "bytes": len(raw)}


def _runs(items: list[JsonValue], before: list[JsonValue]) -> JsonValue:
    places: dict[str, list[int]] = {}
    for place, one in enumerate(before):
        places.setdefault(_JSON.encode(one), []).append(place)
    runs: list[JsonValue] = []
    start = count = 0
    for one in items:
        found = places.get(_JSON.encode(one), [])
        if count and start + count in found:
            count += 1
            continue
        if count:
            runs.append([start, count])
            count = 0
        if found:
            start, count = found[0], 1
        else:
            runs.append([one] if isinstance(one, list) else one)
    return [*runs, [start, count]] if count else runs


def _whole(blob: JsonValue, before: JsonObject) -> JsonObject:
    match blob:
        case {"new": dict(new), "same": list(same), "lists": dict(lists), **more} if not more:
            pass
        case _:
            raise ValueError("it is not an object of new, same and lists")
    whole = dict(new)
    for name in same:
        if not isinstance(name, str) or name not in before:
            raise ValueError(f"the request before has no {str(name)[:80]!r}")
        whole[name] = before[name]
    for name, runs in lists.items():
        old = before.get(name)
        if not isinstance(old, list) or not isinstance(runs, list):
            raise ValueError(f"the request before has no list {name[:80]!r}")
        whole[name] = [one for run in runs for one in _items(run, old)]
    return whole


def _items(run: JsonValue, before: list[JsonValue]) -> list[JsonValue]:
    match run:
        case [int(start), int(count)] if 0 <= start < start + count <= len(before):
            return before[start : start + count]
        case [one] if isinstance(one, list):
            return [one]
        case list():
            raise ValueError(f"{str(run)[:80]} names no items of the request before")
        case _:
            return [run]
