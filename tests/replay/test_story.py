"""What left, what happened, and where the page came from."""

from pathlib import Path

import pytest
from harness.replay.past import Past
from harness.trace.events import Messaged
from tests.replay.dead import Dead


@pytest.fixture
def dead(tmp_path: Path) -> Dead:
    one = Dead(tmp_path / "run")
    one.look(1)
    one.act(1)
    return one


def doubts(dead: Dead) -> list[str]:
    return [one.words for one in Past.read(dead.die()).doubts]


def test_an_action_of_which_nothing_left_is_never_in_doubt(dead: Dead) -> None:
    past = Past.read(dead.die())
    assert past.story.flight is not None
    assert past.doubts == ()
    assert past.deeds[-1].result is None


def test_a_request_without_an_answer_is_in_doubt(dead: Dead) -> None:
    dead.send(1, "one")
    assert doubts(dead) == ["POST https://a.test/order (7 bytes)"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_request_that_changes_nothing_is_never_in_doubt(dead: Dead, method: str) -> None:
    dead.send(1, "one", method)
    assert doubts(dead) == []


@pytest.mark.parametrize(
    ("status", "error", "happened", "doubted"),
    [
        (200, None, True, False),
        (303, None, True, False),
        (200, "the answer broke off", True, False),
        (422, None, False, False),
        (403, "the request could not be judged", False, True),
        (500, None, False, True),
        (502, "refused", False, True),
        (None, "the browser hung up", False, True),
    ],
)
def test_what_the_answer_says(
    dead: Dead,
    status: int | None,
    error: str | None,
    happened: bool,
    doubted: bool,
) -> None:
    dead.send(1, "one")
    dead.answer(1, "one", status, error=error)
    past = Past.read(dead.die())
    assert past.sent[0].happened == happened
    assert bool(past.doubts) == doubted


def test_an_error_that_the_model_has_seen_since_is_not_in_doubt(dead: Dead) -> None:
    dead.send(1, "one")
    dead.answer(1, "one", 502, error="refused")
    dead.acted(1)
    dead.look(2)
    assert doubts(dead) == []


def test_what_a_person_was_only_asked_about_has_not_left(dead: Dead) -> None:
    request = dead.send(1, "one", outcome="ask")
    dead.ask(1, request)
    assert doubts(dead) == []


def test_what_a_person_approved_may_have_left(dead: Dead) -> None:
    request = dead.send(1, "one", outcome="ask")
    dead.ask(1, request)
    dead.approve(1, request)
    assert len(doubts(dead)) == 1


def test_what_was_refused_after_it_was_approved_has_not_left(dead: Dead) -> None:
    request = dead.send(1, "one", outcome="ask")
    dead.ask(1, request)
    dead.approve(1, request)
    dead.send(1, "one", outcome="deny")
    past = Past.read(dead.die())
    assert (past.doubts, past.used.requests) == ((), 0)
    assert request not in past.cleared


def test_messages_of_a_socket_are_in_doubt(dead: Dead) -> None:
    dead.write(Messaged(step=1, request="s", direction="out", size=3))
    dead.write(Messaged(step=1, request="s", direction="out", size=3, refused="limits: x"))
    dead.write(Messaged(step=1, request="s", direction="in", size=3))
    assert doubts(dead) == ["1 WebSocket messages after click at 5, 6"]


def test_the_page_is_the_last_that_was_seen_or_asked_for(dead: Dead) -> None:
    dead.send(1, "one", "GET", url="https://a.test/cart#top")
    dead.acted(1)
    dead.look(2, "https://a.test/cart")
    dead.look(3, "https://a.test/cart")
    story = Past.read(dead.die()).story
    assert (story.url, story.since) == ("https://a.test/cart", 1)


def test_a_document_that_became_no_page_leaves_the_page_as_it_was(dead: Dead) -> None:
    dead.send(1, "one", "GET", url="https://a.test/cart")
    dead.acted(1)
    dead.look(2, "https://a.test/cart")
    dead.act(2)
    dead.send(2, "two", "GET", url="https://a.test/letter.pdf")
    dead.acted(2)
    dead.look(3, "https://a.test/cart")
    story = Past.read(dead.die()).story
    assert (story.url, story.since) == ("https://a.test/cart", 1)


def test_a_page_without_a_request_begins_with_the_look(dead: Dead) -> None:
    dead.acted(1)
    dead.look(2, "https://a.test/app/2")
    dead.look(3, "https://a.test/app/2")
    story = Past.read(dead.die()).story
    assert (story.url, story.since) == ("https://a.test/app/2", 1)


def test_an_answer_that_leads_elsewhere_says_the_page(dead: Dead) -> None:
    dead.send(1, "one")
    dead.answer(1, "one", 303, headers=(("location", "/orders/7"),))
    story = Past.read(dead.die()).story
    assert (story.url, story.since) == ("https://a.test/orders/7", 1)


def test_what_is_no_page_of_the_web_is_not_gone_to(dead: Dead) -> None:
    dead.acted(1)
    dead.look(2, "chrome-error://chromewebdata/")
    assert Past.read(dead.die()).story.url == "https://a.test/"


def test_a_page_that_comes_late_came_before_the_answer_that_saw_it(dead: Dead) -> None:
    dead.acted(1)
    # The click is over and the next step begun, and only now the page is asked for.
    dead.send(2, "one", url="https://a.test/cart")
    dead.answer(2, "one", 303)
    dead.send(2, "two", "GET", url="https://a.test/cart")
    dead.look(2, "https://a.test/cart")
    dead.act(2)
    dead.acted(2)
    dead.look(3, "https://a.test/cart")
    past = Past.read(dead.die())
    assert (past.story.since, past.sent[0].after) == (1, 1)
    assert past.place(past.story.since) == 20
