"""What people and programs are told of judging again."""

import json

from harness.replay.moments import recording
from harness.replay.rejudge import rejudge
from harness.replay.rejudge_words import FOLLOWED, as_json, lines
from tests.replay.conftest import policy
from tests.replay.test_rejudge import ASK_PAY, LOOK, PAY, Play, post


async def test_a_table_the_meanings_and_the_first_differences_are_told(play: Play) -> None:
    run = play(policy())
    await run.do(PAY, LOOK, *(post(n, url="https://evil.test/take\u202e") for n in range(30)))
    new = policy(ASK_PAY, domains={"navigate": ["shop.test"]}, name="new")
    told = list(lines(rejudge([recording(run.finish())], new), most=2))
    text = "\n".join(told)
    assert told[0].startswith("32 effects of 1 trace, judged by new (")
    assert (
        "allow                    1               1              30               0               0" in told
    )
    assert "    31  happened, and would now be refused or wait for a person" in told
    assert FOLLOWED in told
    assert "run-0001, step 0, line 2: click 'Pay now' (button) at 1, 2" in told
    assert "  now  ask by 'pay': It spends." in told
    assert told[-1] == "and 29 more differences; --json has them all"
    assert "\u202e" not in text


async def test_no_difference_is_said_in_words(play: Play) -> None:
    run = play(policy())
    await run.do(PAY)
    assert any(
        "differences that matter" in line for line in lines(rejudge([recording(run.finish())], policy()))
    )


async def test_the_json_has_every_difference_and_lists_that_point_to_them(play: Play) -> None:
    run = play(policy())
    await run.do(PAY, LOOK, post(1, url="https://evil.test/take"))
    new = policy(ASK_PAY, domains={"navigate": ["shop.test"]}, name="new")
    found = json.loads(json.dumps(as_json(rejudge([recording(run.finish())], new))))
    assert found["table"]["allow"] == {"allow": 1, "ask": 1, "deny": 1, "stop": 0, "cannot be told": 0}
    assert [one["line"] for one in found["differences"]] == [2, 4]
    assert found["prevented"] == [0, 1]
    assert found["newly_asked"] == [0]
    assert found["asked_in_vain"] == found["opened"] == found["untold"] == []
    assert found["policy"] == "new"
