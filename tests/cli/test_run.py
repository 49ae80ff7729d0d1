"""`harness run`: inputs, what it prints, and pages that do not come."""

import json
import socket
import sys
from pathlib import Path

import pytest
from harness.cli.run import with_inputs
from harness.errors import InputError
from harness.task import Task
from harness.trace.verify import verify
from tests.cli.commands import POLICY, Command, Place

FIELDS = {
    "run_id",
    "trace",
    "outcome",
    "exit_code",
    "reason",
    "steps",
    "checks",
    "outputs",
    "usage",
    "verdicts",
    "seconds",
}


def test_inputs_are_names_that_the_task_has() -> None:
    task = Task.model_validate(
        {
            "name": "t",
            "goal": "{{street}}",
            "start": "https://a.test/",
            "inputs": {"street": "x", "city": "y"},
        }
    )
    assert with_inputs(task, ["street=a=b", "city="]).inputs == {"street": "a=b", "city": ""}
    for pair, words in (
        ("street", "write NAME=VALUE"),
        ("stret=1", "has no input 'stret'; did you mean 'street'?"),
        ("zip=1", "it has: street, city"),
        ("=1", "has no input ''"),
    ):
        with pytest.raises(InputError) as caught:
            with_inputs(task, [pair])
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"goal": "[1"}, "not YAML"),
        ({"hosts": "5"}, "hosts: write a mapping"),
        ({"steps": "5\nother: 1"}, "unknown key 'other'"),
        ({"start": "https://evil.test/"}, "outside the policy: a.test may be visited, evil.test may not"),
        ({"start": "nowhere"}, "not an absolute URL"),
        ({"start": "file:///etc/passwd"}, "only http, https"),
        ({"policy": "shoping"}, "did you mean 'shopping'?"),
        ({"hosts": '{a.test: "dir:sit"}'}, "there is no such folder"),
        ({"hosts": '{a.test: "crashing:app"}'}, "cannot be imported: ZeroDivisionError"),
        ({"start": "https://a.test/\nuploads: nowhere"}, "uploads: "),
        ({"start": "https://a.test/\nlimits: {stps: 3}"}, "did you mean 'steps'?"),
        (
            {"start": "https://a.test/\nchecks: [{url: x, txt: y}]"},
            "key 'checks.0.txt'; known keys: url",
        ),
        ({"start": "https://a.test/\noutputs: {a: {type: text}}"}, "outputs.a.type: "),
        (
            {"start": "https://a.test/\nchecks: [{state: {host: b.test, where: a}}]"},
            "one of the task's hosts",
        ),
        ({"start": "https://a.test/\nviewport: {width: .nan}"}, "viewport.width: "),
    ],
)
def test_what_cannot_be_used_is_one_line_and_nothing_is_begun(
    command: Command, place: Place, changes: dict[str, str], words: str
) -> None:
    (place.folder / "crashing.py").write_text("1 / 0")
    told = command("run", place.task(**changes), "--json")
    sys.modules.pop("crashing", None)
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert told.err.startswith("harness: ")
    assert told.err.count("\n") == 1
    assert not (place.folder / "traces").exists()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('clik "Press me"', "click"),
        ('press "Foo"', "Foo"),
    ],
)
def test_sentences_that_cannot_be_followed(command: Command, place: Place, step: str, words: str) -> None:
    told = command("run", place.task(json.dumps(step)), "--json")
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert told.err.count("\n") == 1


def test_a_traces_folder_that_cannot_be_made_is_exit_code_4(command: Command, place: Place) -> None:
    told = command("run", place.task(), "--traces", "policy.yaml", "--json")
    assert (told.code, told.out) == (4, "")
    assert "the trace cannot be started: Not a directory; name a folder that can be written to" in told.err
    assert "with --traces" in told.err


def test_unknown_models_and_approvers_are_wrong_usage(command: Command, place: Place) -> None:
    for option, value in (("--model", "gpt"), ("--approve", "maybe"), ("--input", "x")):
        told = command("run", place.task(), option, value)
        assert (told.code, told.out) == (2, "")
        assert value in told.err


def test_a_place_that_is_not_there_is_one_object_and_one_line(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place.folder}/no.sock")
    told = command("run", place.task(), "--sandbox", "docker", "--json")
    found = json.loads(told.out)
    assert set(found) == FIELDS
    assert (told.code, found["exit_code"], found["outcome"]) == (4, 4, "error")
    assert told.err.count("use --sandbox bubblewrap") == 1
    assert "NOT ISOLATED" not in told.err
    assert verify(Path(found["trace"])).complete


def test_a_run_that_is_done_prints_one_object_whatever_the_locale(place: Place) -> None:
    (place.folder / "site" / "index.html").write_text(
        "<!doctype html><meta charset=utf-8><title>Café</title><h1>Hello there</h1>"
    )
    task = place.task(
        start="https://a.test/\noutputs: {é: {required: false}}\nchecks: [{url: https://*.test/}]"
    )
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "HOME": ""}
    done = place.harness("run", task, "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == FIELDS
    assert "\\u2713" in done.stderr
    assert place.verified().ok
    assert place.left() == []


@pytest.mark.parametrize(("app", "words"), [("raising", "the app raised KeyError: 'cart'"), ("refusing", "")])
def test_a_page_that_does_not_come_is_said(place: Place, app: str, words: str) -> None:
    (place.folder / "raising.py").write_text("async def app(scope, receive, send): raise KeyError('cart')")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        where = "raising:app" if app == "raising" else f"http://127.0.0.1:{port}"
        task = place.task(
            'press "Escape"', hosts=f'{{a.test: "{where}"}}\nchecks: [{{url: "https://a.test/no"}}]'
        )
        done = place.harness("run", task)
    assert done.returncode == 1, done.stderr
    words = words or f"{port} cannot be reached"
    assert words in done.stderr
    assert words in done.stdout
    assert "https://a.test/ did not come" in done.stdout
    assert "Traceback" not in done.stderr
    assert place.verified().ok


@pytest.mark.long
def test_a_label_that_is_not_there_names_the_nearest(place: Place) -> None:
    done = place.harness("run", place.task('click "Pres them"'), "--json")
    assert done.returncode == 1
    reason = json.loads(done.stdout)["reason"]
    assert "'Pres them' is not on the screen; the nearest texts are: 'Press me'" in reason
    assert place.verified().complete


def test_text_over_the_limit_is_a_boundary(place: Place) -> None:
    (place.folder / "site" / "index.html").write_text("<!doctype html><label>Name <input autofocus></label>")
    (place.folder / "policy.yaml").write_text(f"{POLICY}limits: {{text: 3}}\n")
    done = place.harness("run", place.task('type "four" into "Name"'), "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["reason"] == "limit reached: text (3 characters)"
    assert place.verified().complete


def test_nobody_at_the_terminal_is_a_refusal_and_no_wait(place: Place) -> None:
    rule = "{name: presses, on: action, when: {kind: click}, verdict: ask, why: It presses.}"
    (place.folder / "policy.yaml").write_text(f"{POLICY}rules: [{rule}]\n")
    task = place.task('click "Press me"')
    done = place.harness("run", task, "--json", prefix=("sh", "-c", 'exec "$@" <&-', "sh"))
    assert done.returncode == 3, done.stderr
    assert "Use --approve deny or --approve auto" in done.stderr
    assert json.loads(done.stdout)["verdicts"]["ask"] == 1


def test_everything_closed_still_runs_to_the_end(place: Place) -> None:
    done = place.harness("run", place.task(), prefix=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    assert done.returncode == 0
    assert place.verified().complete
    assert place.left() == []
