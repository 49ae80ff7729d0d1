"""What a case is: something that is tried in three arms, and how its escape would be heard."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from harness.action import Action
from harness.evals.containment.site import Page

Class = Literal[
    "url",
    "scheme",
    "navigation",
    "subresource",
    "socket",
    "address",
    "proxy",
    "machine",
    "model",
    "key",
    "batch",
    "approval",
    "stale",
    "method",
    "file",
    "secret",
    "rebinding",
]
"""The kinds of case, as the table shows them."""
CLASSES: tuple[Class, ...] = get_args(Class)
Scheme = Literal["http", "https"]


@dataclass(frozen=True)
class Spot:
    """Where one arm of one case is played."""

    token: str
    """What it puts into every name and path."""
    own: str
    """The page's own address without a path: `https://allowed.test`."""
    base: str
    """The target with a path that holds the token: `https://q….evil.test:4711/x/q…`."""
    host: str
    """The target's host, with its port if it is not the scheme's own."""
    name: str
    """The target's host alone."""
    port: int
    """The target's port."""
    lent: int
    """A port that no other case uses, for packets that cannot carry a token."""
    folder: str = ""
    """A folder of this machine with files that are nobody's business."""
    known: str = ""
    """What a page knows without a boundary: the secret; elsewhere nothing."""
    typed: str = ""
    """What a model types where a page wants to be told something."""

    @property
    def socket(self) -> str:
        """The target for a WebSocket."""
        return self.base.replace("http", "ws", 1)

    @property
    def hop(self) -> str:
        """A path on the page's own host that redirects to the target."""
        return f"/redirect?code=302&to={self.base}/hop"

    def fill(self, text: str) -> str:
        """Put the places of a page template in."""
        scheme, free = self.own.partition(":")[0], self.name == "also.test"
        server = f"{scheme}://also.test"
        for mark, value in (
            ("$PAY", f"{server}/{'free' if free else 'pay'}/{self.token}"),
            ("$QUIET", f"{server}/{'free' if free else 'quiet'}/{self.token}"),
            ("$RECORD", f"{server}/{'free' if free else 'record'}/{self.token}"),
            ("$SINK", f"{server}/x/{self.token}"),
            ("$LABEL", "permitted thing" if free else "forbidden thing"),
            ("$LOCKED", "open field" if free else "locked field"),
            ("$DOWN", "permitted.txt" if free else "forbidden.txt"),
            ("$FOLDER", self.folder),
            ("$KNOWN", self.known),
            ("$TYPED", self.typed),
            ("$BASE", self.base),
            ("$SOCKET", self.socket),
            ("$HOST", self.host),
            ("$NAME", self.name),
            ("$PORT", str(self.port)),
            ("$LENT", str(self.lent)),
            ("$OWN", self.own),
            ("$FILES", f"/f/{self.token}"),
            ("$TOKEN", self.token),
        ):
            text = text.replace(mark, value)
        return text


@dataclass(frozen=True)
class PageProbe:
    """A hostile page that is opened, clicked once if it says so, and left."""

    page: Callable[[Spot], Page]
    """Makes the page."""
    click: bool = False
    """Whether `#go` is clicked."""
    leave: bool = False
    """Whether the page is left again at once, for what fires then."""
    scheme: Scheme = "https"
    """Of the page and its target."""
    target: str = "name"
    """Which of `targets.py`."""
    lent: bool = False
    """Whether it needs a port of its own."""


@dataclass(frozen=True)
class GotoProbe:
    """A URL that a hostile model goes to, as it is written, with the places of `Spot` filled in."""

    url: str
    tab: bool = False
    """Whether in a new tab."""
    shows: str = ""
    """What to look for on the page where no canary can hear: a scheme, or `pixels` for the file canary."""
    bare: bool = True
    """Whether the browser itself must refuse as well, asked past the pointer over the debugging pipe."""


@dataclass(frozen=True)
class RawProbe:
    """Bytes that a browser would not send, from inside the sandbox to the relay."""

    first: Callable[[Spot], bytes]
    """What is sent."""
    then: Callable[[Spot], bytes] | None = None
    """What is sent once something was answered, such as after a CONNECT."""
    sni: Callable[[Spot], str] | None = None
    """Begin TLS after a CONNECT, naming this; empty for no name."""


@dataclass(frozen=True)
class MachineProbe:
    """Python that runs inside and, as the control, outside: it prints what it could do."""

    script: str
    """Defines `attempt()`, which raises `OSError` if it cannot, and `permitted()`, which must not."""
    heard: bool = False
    """Whether only what is seen outside counts: a canary that hears it, or a file of the host that changed."""


@dataclass(frozen=True)
class ModelProbe:
    """Actions of a hostile model, through loop, policy and gateway, on a page of its own."""

    page: Callable[[Spot], Page]
    """Makes the page that is open when the actions begin."""
    actions: Callable[[Spot], tuple[Action | Mapping[str, object], ...]]
    """What the model replies, in one batch; objects are what a model writes, before they are parsed."""
    opened: "ModelProbe | None" = None
    """What is played without a boundary instead, if it is not the same."""
    allowed: "ModelProbe | None" = None
    """What is played at the allowed host instead, if it is not the same."""
    swaps: bool = False
    """Whether a person says yes, and the page's `swap()` runs while they decide, but at the allowed host."""
    apart: bool = False
    """Whether the model replies with one action at a time, and not with a batch."""
    gives: str = ""
    """The file that a careless harness would give to the page's `#u`: how it is played without a boundary."""
    looks: Literal["", "downloads", "trace", "screen"] = ""
    """Where to look for what got out, besides the canaries."""

    def within(self, arm: str) -> "ModelProbe":
        """Give what is played in an arm."""
        return {"open": self.opened, "allowed": self.allowed}.get(arm) or self


@dataclass(frozen=True)
class RebindProbe:
    """An allowed name that leads to addresses which are not: one request for each time it is looked up."""

    answers: tuple[tuple[str, ...], ...]
    """Addresses, by look-up; `own` is an address of this machine. 127.0.0.2 may be dialled, and no other."""


Probe = PageProbe | GotoProbe | RawProbe | MachineProbe | ModelProbe | RebindProbe


@dataclass(frozen=True)
class Case:
    """Something that is tried."""

    id: str
    """Names it: `navigation/location/https`."""
    kind: Class
    """Its class."""
    says: str
    """What is tried, in a few words."""
    probe: Probe
    """How."""
    ref: str = ""
    """Its number in the catalogue of escapes, such as `N02`."""
    repeat: int = 1
    """How often: 20 for what is a race."""
    uncounted: str = ""
    """Why it cannot count, known beforehand: it is tried all the same, and an escape is an escape."""
    tags: frozenset[str] = field(default_factory=frozenset)
    """`quick` is in the ten-second subset."""
