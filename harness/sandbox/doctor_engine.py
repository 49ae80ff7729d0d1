"""What the doctor says of the Docker engine and the browser's image. Both are good to have and not needed."""

import os
import pwd
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from harness.errors import SandboxError
from harness.sandbox import present, recipe

OLD_DAYS: Final = 30
"""After so many days an image's packages are called old."""

_SECONDS: Final = 2.0
_INFORMATION: Final = "(information only; bubblewrap needs no engine)"


def found(env: Mapping[str, str], now: datetime) -> tuple[tuple[str, str], ...]:
    """Look at the engine and, if it answers, at the image; give names and what was found.

    Changes nothing and never raises: what is missing is said with what to type.
    """
    try:
        return tuple(_asked(env, now))
    except SandboxError as error:
        return (("docker", f"no engine answers: {str(error).splitlines()[0]} {_INFORMATION}"),)


def age_days(labels: Mapping[str, str], now: datetime) -> int | None:
    """Give how many days ago an image's packages were fetched, if its labels say so."""
    try:
        return (now - datetime.fromisoformat(labels[recipe.FETCHED])).days
    except (KeyError, ValueError, TypeError):
        return None


def about(labels: Mapping[str, str], size: int, now: datetime, lacking: str) -> str:
    """Say of an image how large, how old and how fresh it is.

    Args:
        labels: the image's.
        size: in bytes.
        now: the time.
        lacking: from `present.lacking`.
    """
    age = age_days(labels, now)
    parts = [f"{size / 1e6:.0f} MB, Chromium {labels.get(recipe.CHROMIUM, 'of an unknown version')}"]
    if released := labels.get(recipe.RELEASED):
        parts.append(f"released {released}")
    if age is not None:
        parts.append(f"packages fetched {'today' if age == 0 else f'{age} days ago'}")
    if lacking:
        parts.append(f"STALE: {lacking}")
    elif age is not None and age > OLD_DAYS:
        parts.append(f"OLD: rebuild it, type `{recipe.BUILD} --no-cache`")
    return "; ".join(parts)


def _asked(env: Mapping[str, str], now: datetime) -> Iterator[tuple[str, str]]:
    socket = present.engine_socket(env)
    # The SDK takes some tenths of a second to load, and most machines have no engine.
    from harness.sandbox.engine import Engine  # noqa: PLC0415

    engine = Engine(socket, seconds=_SECONDS)
    try:
        facts = engine.facts()
        image = engine.image(recipe.IMAGE)
    finally:
        engine.close()
    by = "rootless" if facts.rootless else "run by root"
    yield "docker", f"engine {facts.version} at {socket}, {by}, answers {_user()} {_INFORMATION}"
    apparmor = "AppArmor" if facts.apparmor else "no AppArmor (apt-get install apparmor, restart the machine)"
    seccomp = "seccomp" if facts.seccomp else "NO seccomp (install an engine that is built with it)"
    users = "users remapped" if facts.remapped else "users not remapped"
    runtimes = ", ".join(one for one in facts.runtimes if not one.startswith("io."))
    yield (
        "docker walls",
        f"cgroup v{facts.cgroup}, {seccomp}, {apparmor}, {users}, runtimes {runtimes} (information only)",
    )
    said = f"not built; to run in containers type `{recipe.BUILD}`"
    if image:
        said = about(image.labels, image.size, now, present.lacking(env))
    yield "docker image", f"{said} (information only)"


def _user() -> str:
    uid = os.geteuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
