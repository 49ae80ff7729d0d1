"""Where it happens: the contract between the loop and whatever holds the browser."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from harness.action import Action
from harness.clearance import Act, Cleared, FileOffer, Refusal, Resource, Target
from harness.screen import Screen, Screenshot
from harness.secrets import Vault
from harness.task import Viewport


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )


class SandboxInfo(_Part):
    """What a trace and a report say about the place."""

    kind: str
    """`docker`, `bubblewrap`, `process`, or a class name."""
    isolated: bool
    """False means that the browser shares this machine's network and files; reports say so."""
    browser: str = ""
    """The browser and its version, once open."""
    image: str = ""
    """The container image's digest, where there is one."""
    layers: tuple[str, ...] = ()
    """The isolation in force, in words: `network namespace`, `seccomp filter` …"""
    seed: int | None = None
    """What `Math.random` begins with in every document; nothing if the browser chose by itself."""
    warmed: bool = False
    """Whether it was started ahead of the run, and waited for it in a pool."""


@dataclass(frozen=True)
class Pinned:
    """What pages take for the time, in the place of this machine's."""

    start: datetime
    """When the run begins, for pages."""
    due: Callable[[], datetime]
    """What time it is to be for pages now; never earlier than it was."""
    still: Callable[[], str | None] = lambda: None
    """The SHA-256 of the still picture that is to come, if it is known: no second one is taken to be sure."""
    sure: Callable[[], bool] = lambda: False
    """Whether the target of the next action is known to stay: nothing passes for pages between judgement and
    deed, so there is no second look at it."""
    touched: Callable[[Action], Act | None] = lambda _: None
    """What an action is known to touch, all through; nothing if the page is to be asked. Policy judges it all
    the same."""
    quiet: Callable[[datetime, datetime], bool] = lambda _, __: False
    """Whether pages are known to ask for nothing, and to be given nothing, from one time until another."""


class ConsoleLine(_Part):
    """What a page wrote to its console, or raised and did not catch."""

    level: Literal["debug", "info", "warning", "error", "uncaught"]
    """How bad."""
    text: str
    """What: page text."""
    url: str = ""
    """The script."""
    line: int | None = None
    """Its line, from 1."""


class DialogAnswer(_Part):
    """A dialog of a page that is being answered."""

    type: Literal["alert", "confirm", "prompt", "beforeunload"]
    """What it is."""
    message: str
    """What it says: page text."""
    accepted: bool
    """Whether it is accepted."""
    answer: str | None = None
    """What was typed into a prompt."""


PageWord = ConsoleLine | DialogAnswer
"""What pages say besides what they show."""


class SandboxOptions(_Part):
    """What a sandbox is told before it opens."""

    viewport: Viewport = Viewport()
    """The size of the page."""
    downloads: Path
    """Where the page's files are kept: the run's own folder."""
    uploads: Path | None = None
    """A folder whose files may be given to pages."""
    runtime: Path
    """A folder of this run alone for sockets and profiles; it goes when the run ends."""
    dialogs: Literal["show", "accept", "dismiss"] = "show"
    """Whether alert, confirm and prompt are drawn for the model to answer, or answered at once."""
    secrets: SkipValidation[Vault] = Field(default_factory=Vault, exclude=True, repr=False)
    """What may be typed and is never shown."""
    seed: int | None = Field(default=None, ge=1, lt=2**31)
    """What `Math.random` is to begin with in every document; nothing for the browser's own choice."""
    settle_cap: float = 3.0
    """Seconds at most to wait for a still screen."""
    keep: SkipValidation[Callable[[FileOffer], Awaitable[Cleared | Refusal]] | None] = Field(
        default=None, exclude=True, repr=False
    )
    """Decides whether a file that a page gives is kept; without it every file is."""
    told: SkipValidation[Callable[[PageWord], bool] | None] = Field(default=None, exclude=True, repr=False)
    """Told what pages say besides what they show; it says whether it wants to hear more."""
    read_text: bool = False
    """Whether a screen comes with its visible text, for a policy with rules on that."""
    reach: tuple[str, ...] | None = None
    """Where pages and frames may be, as Chromium's URL filters; nothing for anywhere on the web, where the
    gateway alone says so. A place that cannot give its browser a managed policy leaves it out."""
    saves: bool = True
    """Whether the browser takes files that a page gives; if not, they are cancelled as they begin."""
    oci_runtime: str | None = None
    """What runs the container: `runsc` for gVisor, `kata`; nothing for the engine's own choice."""
    starts: int | None = None
    """Sandboxes of this user that may start at a time, this one among them; nothing for one a core."""
    leave: bool = False
    """Whether the place is left as it is when the run ends, for a look inside."""
    pinned: SkipValidation[Pinned | None] = Field(default=None, exclude=True, repr=False)
    """What pages take for the time; nothing for this machine's."""
    allowlist: bool = False
    """Whether documents carry a `Connection-Allowlist`, so that the browser stops requests itself."""
    barred: SkipValidation[Callable[[str, str, Resource], Refusal | None] | None] = Field(
        default=None, exclude=True, repr=False
    )
    """Told of what the browser itself would not load or send: method, address and kind. It says what the
    policy says of that; nothing if it has nothing against it."""


class ActOutcome(_Part):
    """What became of an action that was cleared."""

    ok: bool
    """Whether it was performed."""
    message: str = ""
    """Why not, or what came of it, in words the model can act on."""
    image: Screenshot | None = None
    """What a `zoom` shows."""
    stale: bool = False
    """Whether nothing was done because the target is no longer what the ticket was made for."""


class Sandbox(Protocol):
    """A browser in a place of its own. One run, one sandbox; it is never used again."""

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        ...

    async def open(self, socket: Path, spki: str) -> None:
        """Start the browser. Its only way out is the gateway's Unix socket.

        Args:
            socket: the gateway's Unix socket, an HTTP proxy.
            spki: base64 SHA-256 of the gateway's certificate authority key, which this browser alone trusts.

        Raises:
            SandboxError: with what to install or to do, if it cannot start.
        """
        ...

    async def observe(self) -> Screen:
        """Wait until the screen is still, within a cap, and give it.

        Raises:
            SandboxError: if the page or the browser has crashed.
        """
        ...

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch: what is under its point, or for keys what has the focus.

        Raises:
            BusyError: if the page does not say so in time; the action is told to have failed.
            SandboxError: if the page or the browser is gone.
        """
        ...

    async def place(self) -> str:
        """Name what is looked at: another name after a navigation, and for another tab or dialog."""
        ...

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good, and spend the ticket.

        Just before a button or key goes down, the target is looked at once more; if it is no longer the one
        of the ticket, nothing is done and the outcome is `stale`.

        Raises:
            NotClearedError: if the ticket is not good; nothing happened.
            SandboxError: if the browser has crashed.
        """
        ...

    async def close(self) -> None:
        """End the browser and leave nothing behind. Safe to call twice, and before `open`."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A sandbox that can say where something is that was described elsewhere, such as in another run."""

    async def find(self, like: Target) -> tuple[Target, ...]:
        """Give everything in the active tab that is what `like` is but for its place, or has its name.

        What is scrolled out of view is among it, with a box outside the viewport; what has no box is not.

        Raises:
            SandboxError: if the page does not answer.
        """
        ...


@runtime_checkable
class Attached(Protocol):
    """A model that looks at the page itself, and not only at its picture, before it answers.

    It cannot act by itself: `act` takes a ticket, and what it wants done is judged like any answer.
    """

    def attach(self, sandbox: Sandbox) -> None:
        """Take the run's sandbox, once it is open."""
        ...


@runtime_checkable
class Sessioned(Sandbox, Protocol):
    """A place whose browser can be given the cookies of one before it."""

    async def cookies(self) -> str:
        """Give the browser's cookies as JSON: credentials, for nobody but `bring`.

        Raises:
            SandboxError: if the browser does not answer.
        """
        ...

    async def bring(self, cookies: str) -> None:
        """Take up cookies that `cookies` gave, before any page is opened.

        Raises:
            SandboxError: if they cannot be read, or the browser does not take them.
        """
        ...
