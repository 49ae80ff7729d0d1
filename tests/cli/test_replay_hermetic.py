"""`harness replay TRACE --hermetic` as people type it."""

import json
import shutil

from tests.cli.commands import TASK, Command, Place


def test_a_recorded_run_is_the_same_again_and_a_spoiled_one_is_not(command: Command, place: Place) -> None:
    steps = TASK.replace("STEP", 'click "Press me"')
    (place.folder / "task.yaml").write_text(steps)
    told = command("run", "task.yaml", "--sandbox", "bubblewrap", "--json")
    assert told.code == 0, told.err
    trace = json.loads(told.out)["trace"]
    # What served it then is not there any more.
    shutil.rmtree(place.folder / "site")
    again = command("replay", trace, "--hermetic", "--json")
    assert again.code == 0, again.err
    found = json.loads(again.out)
    assert (found["verdict"], found["sent_out"], found["misses"]) == ("identical", 0, [])
    assert all(one["recorded"] == one["replayed"] for one in found["shots"])
    shown = command("replay", trace, "--hermetic")
    assert "identical" in shown.out
    assert "0 sent out" in shown.out


def test_there_is_no_such_trace(command: Command) -> None:
    told = command("replay", "nowhere", "--hermetic")
    assert (told.code, "no such trace" in told.err) == (2, True)
