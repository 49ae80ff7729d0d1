"""A model that says a record again."""

import pytest
from harness.action import Click, Wait
from harness.clearance import Reply
from harness.errors import InputError, ModelError
from harness.models.replayed import ReplayedModel
from harness.screen import Observation
from harness.testing import blank


def look(step: int) -> Observation:
    return Observation(screenshot=blank(), url="https://shop.test/", goal="Buy", step=step)


async def test_replies_come_in_order_and_as_they_were() -> None:
    said = [Reply(actions=(Click(x=1, y=2),), thought="a"), Reply(actions=(Wait(),))]
    model = ReplayedModel(said)
    assert [await model.reply(look(step)) for step in (1, 2)] == said
    assert model.left == 0


async def test_the_end_of_the_record_is_said() -> None:
    model = ReplayedModel([Reply(thought="only")], source="traces/x")
    await model.reply(look(1))
    with pytest.raises(
        ModelError, match=r"traces/x is over: it ends with step 1, and the run goes on to step 2"
    ):
        await model.reply(look(2))


async def test_another_step_than_the_recorded_one_is_refused_and_nothing_is_lost() -> None:
    model = ReplayedModel([Reply(thought="third"), Reply()], first=3)
    with pytest.raises(ModelError, match="next reply is for step 3, but the run asks at step 1"):
        await model.reply(look(1))
    assert (await model.reply(look(3))).thought == "third"


def test_an_empty_record_is_refused() -> None:
    with pytest.raises(InputError, match="holds no reply"):
        ReplayedModel([])
