"""A recorded WebSocket, played back."""

import asyncio
import hashlib

import pytest
from harness.gateway.upstreams.playback import Message, Playback


def came(text: str, step: int = 0) -> Message:
    return Message(out=False, step=step, data=text.encode)


def went(text: str) -> Message:
    return Message(out=True, step=0, sha256=hashlib.sha256(text.encode()).hexdigest())


class Steps:
    """A run that is at a step."""

    def __init__(self) -> None:
        self.at = 0
        self.moved = asyncio.Event()

    async def due(self, step: int) -> None:
        while self.at < step:
            await self.moved.wait()
            self.moved.clear()

    def go(self, step: int) -> None:
        self.at = step
        self.moved.set()


async def soon(socket: Playback) -> str | bytes | None:
    async with asyncio.timeout(5):
        return await socket.receive()


async def still(waiting: "asyncio.Task[str | bytes | None]") -> bool:
    for _ in range(10):
        await asyncio.sleep(0)
    return not waiting.done()


async def test_an_answer_waits_for_its_question() -> None:
    told: list[str] = []
    script = (came("hello"), went("ask"), came("answer"))
    socket = Playback(script, (), "chat", Steps().due, told.append)
    assert socket.subprotocol == "chat"
    assert await soon(socket) == "hello"
    waiting = asyncio.ensure_future(socket.receive())
    assert await still(waiting)
    await socket.send("ask")
    assert await asyncio.wait_for(waiting, 5) == "answer"
    assert told == []


async def test_other_words_and_more_of_them_are_told() -> None:
    told: list[str] = []
    socket = Playback((went("ask"), came("answer")), (), None, Steps().due, told.append)
    await socket.send("something else")
    assert await soon(socket) == "answer"
    await socket.send("more")
    assert [len(told), "other words" in told[0], "does not have" in told[1]] == [2, True, True]


async def test_a_question_that_comes_early_loses_nothing_that_came_before() -> None:
    script = (came("one"), went("ask"), came("two"))
    socket = Playback(script, (), None, Steps().due, lambda _: None)
    await socket.send("ask")
    assert [await soon(socket), await soon(socket)] == ["one", "two"]


async def test_a_message_comes_in_its_step() -> None:
    steps = Steps()
    socket = Playback((came("tick", step=2),), (), None, steps.due, lambda _: None)
    waiting = asyncio.ensure_future(socket.receive())
    assert await still(waiting)
    steps.go(2)
    assert await asyncio.wait_for(waiting, 5) == "tick"


async def test_bytes_stay_bytes_and_what_was_not_kept_is_told() -> None:
    told: list[str] = []
    script = (Message(out=False, step=0), Message(out=False, step=0, text=False, data=lambda: b"\xff"))
    socket = Playback(script, (), None, Steps().due, told.append)
    assert await soon(socket) == b"\xff"
    assert "too long" in told[0]


async def test_closing_ends_what_waits() -> None:
    socket = Playback((), (), None, Steps().due, lambda _: None)
    waiting = asyncio.ensure_future(socket.receive())
    assert await still(waiting)
    await socket.close(1000, "bye")
    assert await asyncio.wait_for(waiting, 5) is None
    assert socket.closed == (1000, "bye")
    with pytest.raises(ConnectionResetError):
        await socket.send("late")
