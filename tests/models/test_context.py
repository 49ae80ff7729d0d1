import io

import pytest
from harness.action import Click, Zoom
from harness.clearance import Usage
from harness.models.context import Context, outcomes
from harness.models.dialect import Call, Heard
from harness.screen import ActionResult, Observation
from harness.testing import blank
from PIL import Image

CLICK = Click(x=1, y=1)


def seen(step: int, **said: object) -> Observation:
    fields = {"screenshot": blank(100, 50), "url": "https://shop.test/", "goal": "Buy", "step": step}
    return Observation.model_validate({**fields, **said})


def test_a_picture_is_sent_in_the_size_that_fits_and_its_space_says_so() -> None:
    context = Context("pictures", lambda w, h: (w // 2, h // 2))
    (turn,) = context.see(seen(1))
    assert turn.seen.picture is not None
    assert turn.seen.picture.png[16:24] == bytes([0, 0, 0, 50, 0, 0, 0, 25])
    assert context.space.to_view(49, 24) == (99, 49)


def test_looking_twice_at_one_step_is_looking_once() -> None:
    context = Context("pictures", lambda w, h: (w, h))
    assert context.see(seen(1)) == context.see(seen(1))
    assert len(context.see(seen(1))) == 1


def test_a_call_is_done_when_each_of_its_actions_is() -> None:
    heard = Heard(actions=(CLICK, CLICK, CLICK), calls=(Call("a", "x", 0, 2), Call("b", "y", 2, 1)))
    done = ActionResult(action=CLICK, status="done")
    failed = ActionResult(action=CLICK, status="failed", message="gone")
    first, second = outcomes(heard, [done, failed, done])
    assert ((first.ok, first.text), second.ok) == ((False, "action 2 (click): failed: gone"), True)
    assert [one.ok for one in outcomes(heard, [done, done])] == [True, False]


def test_what_a_zoom_shows_belongs_to_its_call() -> None:
    zoom, picture = Zoom(region=(0, 0, 2, 2)), blank(2, 2)
    heard = Heard(actions=(zoom,), calls=(Call("a", "zoom", 0, 1),))
    (came,) = outcomes(heard, [ActionResult(action=zoom, status="done", image=picture)])
    assert came.picture == picture.png


@pytest.mark.parametrize("count", [1, 2, 5])
def test_cutting_leaves_the_newest(count: int) -> None:
    context = Context("pictures", lambda w, h: (w, h))
    for step in range(1, count + 1):
        context.see(seen(step))
        context.hear(Heard(usage=Usage()))
    assert context.cut() is (count > 1)
    left = context.sent()
    assert left[-1].seen.step == count
    assert len(left) == count - count // 2


def test_pictures_are_whole() -> None:
    context = Context("pictures", lambda w, h: (w // 3, h // 3))
    picture = context.see(seen(1))[0].seen.picture
    assert picture is not None
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.size == (33, 16)
