"""A warm pool as people use it: sandboxes started ahead for runs of one policy."""

from pathlib import Path

from harness.cli.names import find_policy, load_policy, seed_of, task_file
from harness.errors import InputError
from harness.gateway.door import Door
from harness.policy.chromium import reach, saves
from harness.policy.schema import Policy
from harness.sandbox.base import SandboxOptions
from harness.sandbox.choose import choose
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.pool import Warm, WarmPool
from harness.task import Task, Viewport

MEMORY = 4 * 1024**3
"""Bytes that the sandboxes that wait may have together, if nothing else is said."""


class Pool(WarmPool[Door]):
    """Sandboxes started ahead, each for one run and never for another; give it to `harness.run(pool=…)`.

        async with harness.Pool("docker", task="shop/buy-a-mug", size=4) as pool:
            results = await asyncio.gather(*(harness.run("shop/buy-a-mug", pool=pool) for _ in range(20)))

    A run whose policy lets its browser go elsewhere than the pool's starts a sandbox as usual, and so does
    one that finds none ready. Leaving the block ends what was not taken.

    Args:
        sandbox: `"auto"`, `"docker"` or `"bubblewrap"`.
        policy: a `Policy`, a policy file or a ready-made name; the task's own if not given.
        task: a `Task`, a task file, or the name of a bundled task, for its policy and its size of the page.
        size: sandboxes that wait at a time, at most.
        most_memory: bytes that those have together, at most.
        pause: seconds after one was taken before another is started.
        starts: sandboxes of this user that may start at a time; one a core, and two at least, if not given.

    Raises:
        InputError: if something a person wrote cannot be used; nothing was started.
        SandboxError: if the place does not work here.
    """

    def __init__(
        self,
        sandbox: str = "auto",
        *,
        policy: Policy | Path | str | None = None,
        task: Task | Path | str | None = None,
        size: int = 2,
        most_memory: int = MEMORY,
        pause: float = 1.0,
        starts: int | None = None,
    ) -> None:
        if sandbox == "process":
            raise InputError("a pool holds docker or bubblewrap sandboxes; a process is not isolated")
        if starts is not None and starts < 1:
            raise InputError(f"starts={starts}: let 1 sandbox start at a time at least")
        known = Task.load(task_file(str(task))) if isinstance(task, Path | str) else task
        self._policy = _policy(policy, known)
        self._viewport = known.viewport if known else Viewport()
        self._starts = starts
        self.sandbox = sandbox
        """The place, as it was asked for."""
        self.reach = reach(self._policy)
        """Where its browsers may go."""
        super().__init__(self._made, Door, size=size, most_memory=most_memory, pause=pause)
        self._made(Path())

    async def bound(self, reach: tuple[str, ...] | None) -> Warm[Door] | None:
        """Take a sandbox for a run whose browser may go to some places; nothing if there is none for it."""
        return await self.take() if reach == self.reach else None

    def _made(self, folder: Path) -> HostedSandbox:
        options = SandboxOptions(
            viewport=self._viewport,
            downloads=folder / "downloads",
            runtime=folder,
            reach=self.reach,
            saves=saves(self._policy),
            starts=self._starts,
            seed=seed_of(folder.name),
        )
        made = choose(self.sandbox, options)
        assert isinstance(made, HostedSandbox)  # noqa: S101 - every place that has a name is one
        return made


def _policy(policy: Policy | Path | str | None, task: Task | None) -> Policy:
    if task is not None:
        return find_policy(policy, task)
    if policy is None:
        raise InputError("a pool needs to know where its browsers may go: give it a policy or a task")
    return policy if isinstance(policy, Policy) else load_policy(str(policy))
