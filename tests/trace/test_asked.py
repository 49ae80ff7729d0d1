"""What a model was sent is put together again from what was new at each step."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from harness.errors import TraceError
from harness.trace.asked import Asking, JsonObject, requests
from harness.trace.events import AskedModel
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from pydantic import JsonValue
from tests.trace.conftest import Story


def made(folder: Path) -> TraceWriter:
    return TraceWriter.create(folder, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))


def said(number: int) -> JsonObject:
    return {"role": "user", "content": [{"type": "text", "text": f"{number}: " + "words " * 50}]}


def written(folder: Path, asked: list[JsonObject]) -> tuple[Trace, list[bytes]]:
    writer = made(folder)
    story, asking = Story(writer), Asking()
    story.start()
    blobs = []
    for step, request in enumerate(asked, 1):
        blobs.append(asking.blob(request))
        story.write(AskedModel(step=step, request=writer.blob(blobs[-1])))
        story.write(AskedModel(step=step))
    writer.close()
    return Trace.open(folder), blobs


def test_a_history_is_written_once_and_read_back_whole(tmp_path: Path) -> None:
    messages = [said(number) for number in range(60)]
    tools: JsonValue = [{"name": "computer", "about": "x" * 500}]
    asked: list[JsonObject] = [
        {"model": "m", "tools": tools, "messages": cast("JsonValue", messages[:count])}
        for count in range(1, 61)
    ]
    trace, blobs = written(tmp_path / "run", asked)
    assert list(requests(trace)) == list(enumerate(asked, 1))
    assert max(len(blob) for blob in blobs[1:]) < 500
    assert max(len(blob) for blob in blobs[1:10]) + 10 > max(len(blob) for blob in blobs[50:])


def test_items_that_move_change_or_go_are_followed(tmp_path: Path) -> None:
    one, two, three, other = said(1), said(2), said(3), said(9)
    asked: list[JsonObject] = [
        {"input": [one, two, three], "seed": 1, "odd": None},
        {"input": [two, other, three, one, one]},
        {"input": [], "seed": 1},
        {"input": [[1, 2], [[3]], 4, "five", True, None]},
        {"input": [4, [1, 2], [1, 2], [0, 1], "six"], "more": {"deep": [one]}},
        {"input": "now a text"},
        {"input": ["now a list"]},
        {},
    ]
    trace, _ = written(tmp_path / "run", asked)
    assert [request for _, request in requests(trace)] == asked


def test_a_picture_is_named_by_its_hash_as_its_blob_is(tmp_path: Path) -> None:
    shot = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10
    text = base64.b64encode(shot).decode()
    named: JsonValue = {
        "sha256": hashlib.sha256(shot).hexdigest(),
        "media_type": "image/png",
        "bytes": len(shot),
    }
    assert len(text) > 1024
    items: list[JsonValue] = [
        {"url": f"data:image/png;base64,{text}"},
        {"mimeType": "image/png", "data": text},
    ]
    long, odd = "word " * 1000, "iVBORw0KGgo" + "é" * 2000
    trace, blobs = written(tmp_path / "run", [{"input": [*items, long, odd]}] * 2)
    whole: list[JsonValue] = [{"url": named}, {"mimeType": "image/png", "data": named}, long, odd]
    assert [request for _, request in requests(trace)] == [{"input": whole}] * 2
    assert b"iVBORw0KGgo" + b"A" not in blobs[0]
    assert json.loads(blobs[1]) == {"new": {}, "same": ["input"], "lists": {}}


@pytest.mark.parametrize(
    "blob",
    [
        b"[]",
        b"not json",
        b'{"new":{}}',
        b'{"new":{},"same":["a"],"lists":{}}',
        b'{"new":{},"same":[1],"lists":{}}',
        b'{"new":{},"same":[],"lists":{"a":[[0,1]]}}',
        b'{"new":{},"same":[],"lists":{"input":[[0,2]]}}',
        b'{"new":{},"same":[],"lists":{"input":[[0,0]]}}',
        b'{"new":{},"same":[],"lists":{"input":[[-1,1]]}}',
        b'{"new":{},"same":[],"lists":{"input":[["a","b","c"]]}}',
        b'{"new":{},"same":[],"lists":{"input":7}}',
        b"[" * 100_000,
    ],
)
def test_a_blob_of_another_shape_is_an_error_that_names_the_step(blob: bytes, tmp_path: Path) -> None:
    writer = made(tmp_path / "run")
    story = Story(writer)
    story.start()
    first = Asking().blob({"input": [said(1)]})
    story.write(AskedModel(step=1, request=writer.blob(first)), AskedModel(step=2, request=writer.blob(blob)))
    writer.close()
    with pytest.raises(TraceError, match="step 2: what the model was sent"):
        list(requests(Trace.open(tmp_path / "run")))
