"""From what people type to what runs; each mistake is one line that says what to write instead."""

import sys
from pathlib import Path

import pytest
from harness.cli.names import (
    find_approver,
    find_hosts,
    find_model,
    find_policy,
    forgetful,
    load_policy,
    seed_of,
    task_file,
    within,
)
from harness.errors import InputError, PolicyError, TaskError
from harness.models.local.ocr import Reader
from harness.policy.schema import Policy
from harness.task import Task
from tests.cli.commands import Command, Place

MODULES = {
    "raising": "raise RuntimeError('boom at\\nimport')",
    "leaving": "import sys; sys.exit(3)",
    "broken": "def (:",
    "wanting": "import no_such_thing_anywhere",
    "holding": """
class App: pass
number = 3
def failing(): raise ValueError("no database")
def two(scope, receive): return 1
def making():
    async def app(scope, receive, send): pass
    return app
async def application(scope, receive, send): pass
def wrapped(*arguments): return application(*arguments)
given = []
def keeping(*, state=None):
    given.append(state)
    return application
""",
}


def task(**changes: object) -> Task:
    basic = {"name": "t", "goal": "g", "start": "https://a.test/", "steps": ["wait 1 second"]}
    return Task.model_validate(basic | changes)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in MODULES.items():
        (tmp_path / f"{name}_for_a_test.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("garbage", "write module:attribute, dir:PATH or http://host:port, not 'garbage'"),
        ("os.path:", "write module:attribute"),
        ("../x:app", "write module:attribute"),
        ("no_such_thing_anywhere:app", "there is no module 'no_such_thing_anywhere'"),
        ("no_such_thing_anywhere.inner:app", "PYTHONPATH names other folders"),
        ("raising_for_a_test:app", "cannot be imported: RuntimeError: boom at import"),
        ("leaving_for_a_test:app", "cannot be imported: SystemExit: 3"),
        ("broken_for_a_test:app", "cannot be imported: SyntaxError: invalid syntax"),
        ("wanting_for_a_test:app", "No module named 'no_such_thing_anywhere'"),
        ("holding_for_a_test:aplication", "did you mean 'application'?"),
        ("holding_for_a_test:number", "gives int, which is no ASGI application"),
        ("holding_for_a_test:App", "gives App, which is no ASGI application"),
        ("holding_for_a_test:two", "must be called with scope, receive and send"),
        ("holding_for_a_test:failing", "was called to make the application: ValueError: no database"),
        ("dir:nowhere", "nowhere: there is no such folder; name a folder of static files"),
        (f"dir:{__file__}", "is a file; name a folder"),
        ("http://", "hosts.a.test: "),
        ("http://127.0.0.1:1/path", "without a path"),
        ("https://127.0.0.1", "write http://host:port"),
    ],
)
def test_a_host_that_cannot_be_served_says_why(modules: Path, where: str, words: str) -> None:
    with pytest.raises(TaskError) as caught:
        find_hosts(task(hosts={"a.test": where}))
    assert words in str(caught.value)
    assert str(caught.value).startswith("hosts.a.test: ")
    assert "\n" not in str(caught.value)
    assert modules.is_dir()


@pytest.mark.parametrize("name", ["making", "application", "wrapped"])
def test_applications_and_what_makes_them_are_taken(modules: Path, name: str) -> None:
    assert list(find_hosts(task(hosts={"A.test": f"holding_for_a_test:{name}"}))) == ["a.test"]
    assert modules.is_dir()


@pytest.mark.parametrize("host", ["https://a.test", "a.test:443", "a.test/", "*.test", "", "a test"])
def test_a_host_is_a_name_alone(host: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="write the name alone"):
        find_hosts(task(hosts={host: f"dir:{tmp_path}"}))


def test_a_host_stands_there_once(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="twice, in other capitals"):
        find_hosts(task(hosts={"a.test": f"dir:{tmp_path}", "A.TEST": f"dir:{tmp_path}"}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shop/buy-a-mgu", "did you mean 'shop/buy-a-mug'?"),
        ("", "'' is neither a task file nor a bundled task; there are: shop/"),
        ("site", "is a folder; name a task file in it, it holds none"),
        (".", "is a folder; name a task file in it, such as "),
        ("tsk.yaml", "did you mean task.yaml?"),
    ],
)
def test_a_task_that_is_not_there(place: Place, command: Command, name: str, words: str) -> None:
    place.task()
    told = command("run", name)
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert not (place.folder / "traces").exists()


def test_bundled_tasks_and_policies_are_found_by_name() -> None:
    assert task_file("shop/buy-a-mug").name == "buy-a-mug.yaml"
    assert load_policy("shopping").name == "shopping"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shoping", "did you mean 'shopping'?"),
        ("", "neither a policy file nor a ready-made policy; there are: "),
        ("nowhere.yaml", "nowhere.yaml: there is no such file"),
    ],
)
def test_a_policy_that_is_not_there(name: str, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(name)
    assert words in str(caught.value)


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is a folder; name a policy file in it"):
        load_policy(str(tmp_path))


def test_a_task_without_a_policy_says_how_to_give_one() -> None:
    with pytest.raises(PolicyError, match="names no policy; give one, such as --policy shopping"):
        find_policy(None, task())
    with pytest.raises(PolicyError, match=r"the policy of task 't': 'shoping' is neither .* 'shopping'"):
        find_policy(None, task(policy="shoping"))


def test_models_and_approvers_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model is called 'gpt'"):
        find_model("gpt", task(), Reader())
    with pytest.raises(InputError, match="no approver is called 'maybe'; use --approve terminal"):
        find_approver("maybe", tmp_path)


def test_a_goal_that_the_local_model_cannot_follow_is_an_input_that_cannot_be_used() -> None:
    with pytest.raises(TaskError, match="follows sentences"):
        find_model("local", task(goal="Make me happy.", steps=[]), Reader())
    with pytest.raises(TaskError, match="step 1"):
        find_model("local", task(steps=['clik "Save"']), Reader())


def test_only_what_takes_state_is_given_a_folder_that_outlives_the_process(
    modules: Path, tmp_path: Path
) -> None:
    hosts = {"A.test": "holding_for_a_test:keeping", "b.test": "holding_for_a_test:making"}
    both = task(hosts=hosts | {"c.test": f"dir:{modules}"})
    assert list(find_hosts(both, tmp_path / "state")) == ["a.test", "b.test", "c.test"]
    given = vars(sys.modules["holding_for_a_test"])["given"]
    assert given == [tmp_path / "state" / "a.test"]
    find_hosts(both)
    assert given[1:] == [None]
    assert forgetful(both) == ("a.test",)


def test_a_seed_is_of_the_name_alone_and_one_that_a_browser_takes() -> None:
    seeds = {seed_of(f"run-{number}") for number in range(1000)}
    assert len(seeds) == 1000
    assert all(0 < seed < 2**31 for seed in seeds)
    assert seed_of("run-1") == seed_of("run-1")


@pytest.mark.parametrize(
    ("domains", "navigate", "inside"),
    [
        ({"navigate": ["a.test"]}, "deny", True),
        ({"navigate": ["https://a.test/shop"], "load": ["b.test"]}, "deny", True),
        ({"navigate": []}, "deny", True),
        ({"navigate": ["a.test"]}, "ask", False),
        ({"navigate": ["a.test"], "load": ["c.test"]}, "deny", False),
        ({"navigate": ["a.test", "example.org"]}, "deny", False),
        ({"navigate": ["*.a.test"]}, "deny", False),
    ],
)
def test_a_run_is_within_the_harness_if_it_serves_all_that_can_be_reached(
    domains: dict[str, list[str]], navigate: str, inside: bool
) -> None:
    hosts = {"A.test": "harness.worlds.shop:app", "b.test": "dir:.", "c.test": "https://example.org"}
    task = Task.model_validate({"name": "t", "goal": "g", "start": "https://a.test/", "hosts": hosts})
    policy = Policy.model_validate(
        {"version": 1, "name": "p", "domains": domains, "default": {"navigate": navigate}}
    )
    assert within(task, policy) is inside
