from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import trial
from harness.sandbox.confine import find_tools
from harness.sandbox.trial import Trial, namespaces_work


def settings(proc: Path, **values: int) -> Path:
    for name, value in values.items():
        folder = proc / "sys" / ("user" if name == "max_user_namespaces" else "kernel")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{value}\n")
    return proc


def refusing(folder: Path, said: str) -> str:
    script = folder / "bwrap"
    script.write_text(f"#!/bin/sh\necho 'bwrap: {said}' >&2\nexit 1\n")
    script.chmod(0o755)
    folder.chmod(0o755)
    return str(script)


def test_it_works_here() -> None:
    found = namespaces_work()
    assert found.ok, found
    found.demand()


@pytest.mark.parametrize(
    ("values", "fix"),
    [
        ({"apparmor_restrict_unprivileged_userns": 1}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"unprivileged_userns_clone": 0}, "kernel.unprivileged_userns_clone=1"),
        ({"max_user_namespaces": 0}, "user.max_user_namespaces=15000"),
        ({"apparmor_restrict_unprivileged_userns": 0, "max_user_namespaces": 9}, "seccomp=unconfined"),
    ],
)
def test_the_setting_in_the_way_is_named(
    values: dict[str, int], fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bwrap = refusing(tmp_path, "setting up uid map: Permission denied")
    tools = {**find_tools(), "bwrap": bwrap}
    monkeypatch.setattr(trial, "find_tools", lambda: tools)
    monkeypatch.setattr(trial, "become", lambda _tools, _user: ())
    found = namespaces_work(settings(tmp_path / "proc", **values))
    assert not found.ok
    assert "setting up uid map" in found.detail
    assert fix in found.fix


def test_a_container_that_hides_proc_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap = refusing(tmp_path, "Can not mount proc on /newroot/proc: Operation not permitted")
    tools = {**find_tools(), "bwrap": bwrap}
    monkeypatch.setattr(trial, "find_tools", lambda: tools)
    monkeypatch.setattr(trial, "become", lambda _tools, _user: ())
    assert "systempaths=unconfined" in namespaces_work(tmp_path / "proc").fix


def test_what_did_not_go_well_is_an_error_on_demand() -> None:
    with pytest.raises(SandboxError, match="does not work here: broken; mend it"):
        Trial(ok=False, detail="broken", fix="mend it").demand()
