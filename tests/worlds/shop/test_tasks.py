from pathlib import Path

import jmespath
import pytest
from harness.task import StateCheck, Task
from harness.worlds.shop.store import Store

TASKS = sorted((Path(__file__).parents[3] / "tasks" / "shop").glob("*.yaml"))


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.stem)
def test_a_task_of_the_shop_can_be_read_and_is_not_done_before_it_starts(file: Path) -> None:
    task = Task.load(file)
    assert task.name == file.stem
    assert task.hosts == {"shop.test": "harness.worlds.shop:app"}
    assert "{{" not in "".join(task.filled().steps)
    queries = [check.state.where for check in task.checks if isinstance(check, StateCheck)]
    assert queries
    store = Store()
    found = [jmespath.search(where, store.state()) for where in queries]
    store.close()
    buys = any("orders/*" in str(check) for check in task.checks)
    assert all(value is not True for value in found) if buys else all(found)
