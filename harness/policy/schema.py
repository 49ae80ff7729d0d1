"""The policy file: what is allowed, read once, frozen and hashed.

A policy that `extends` others is resolved while it is read, so that a `Policy` always says all it means: see
`harness.policy.extend`. What is not written is refused: without `domains` nothing may be reached, and without
`default` every action and every request that no rule allows is denied.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from harness.clearance import Outcome
from harness.errors import PolicyError
from harness.policy.conditions import located, nearest, word
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.examples import Example
from harness.policy.extend import narrow
from harness.policy.links import check_links
from harness.policy.load import known, locate
from harness.policy.rules import STRICTNESS, Rule
from harness.task import Duration, Limits
from harness.yamlfile import explain, read_yaml

_DEEPEST = 10


def _host_pattern(text: str) -> str:
    read_host_pattern(text)
    return text


def _secret_source(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("a secret comes from the environment; write env:NAME")
    return text


HostPatternText = Annotated[str, AfterValidator(_host_pattern)]
"""`[scheme://]host[:port][/path*]`, checked for meaning."""
_Hosts = Annotated[
    tuple[HostPatternText, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(max_length=10_000),
]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True
    )


class Domains(_Part):
    """Which hosts may be reached."""

    navigate: _Hosts = ()
    """Where a page in a tab may be."""
    load: _Hosts | None = None
    """Where everything else may come from, besides `navigate`; nothing more, if not written."""

    @property
    def visited(self) -> Reach:
        """Where a page in a tab may be."""
        return Reach(map(read_host_pattern, self.navigate))

    @property
    def loaded(self) -> Reach:
        """Where everything else may come from."""
        return Reach(map(read_host_pattern, (*self.navigate, *(self.load or ()))))


class Defaults(_Part):
    """What holds where no rule speaks."""

    action: Annotated[Outcome, word(STRICTNESS)] = "deny"
    """For actions."""
    request: Annotated[Outcome, word(STRICTNESS)] = "deny"
    """For requests to hosts within `domains`."""
    navigate: Annotated[Literal["ask", "deny", "stop"], word(("ask", "deny", "stop"))] = "deny"
    """For pages outside `domains.navigate`; there is no `allow`, name the hosts instead."""
    download: Annotated[Outcome, word(STRICTNESS)] | None = None
    """For files that a page gives; not written, as for requests."""
    plan: Annotated[Outcome, word(STRICTNESS)] = "allow"
    """For plans: saying is not doing."""
    signal: Annotated[Outcome, word(STRICTNESS)] = "ask"
    """For a model vendor's warnings."""


class ApprovalSettings(_Part):
    """How people are asked."""

    timeout: Duration = 300.0
    """Seconds to answer."""
    otherwise: Annotated[Literal["deny", "stop"], word(("deny", "stop"))] = "deny"
    """What silence means."""


class Secret(_Part):
    """A value that the sandbox types and the model never sees."""

    source: Annotated[str, AfterValidator(_secret_source)] = Field(alias="from")
    """Where it comes from: `env:NAME`."""
    hosts: Annotated[_Hosts, Field(min_length=1)]
    """Into whose pages it may be typed."""


Canary = Annotated[str, Field(min_length=4, max_length=1_000)]
"""Something that must never leave the sandbox."""
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w-]{0,79}$")]


class Policy(_Part):
    """What is allowed. Most restrictive wins: `stop` > `deny` > `ask` > `allow`."""

    version: Literal[1] = 1
    """Of this format."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    """A short name: letters, digits, dots, dashes."""
    extends: Annotated[
        tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
    ] = ()
    """Policies this one narrows, by file or ready-made name; empty once they are resolved."""
    domains: Domains = Domains()
    """Which hosts may be reached."""
    default: Defaults = Defaults()
    """What holds where no rule speaks."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=10_000)] = ()
    """What is said of particular actions, requests, pages, plans and warnings."""
    limits: Limits = Limits()
    """How much a run may use."""
    approval: ApprovalSettings = ApprovalSettings()
    """How people are asked."""
    secrets: dict[SecretName, Secret] = Field(default_factory=dict)
    """What may be typed without being shown."""
    canaries: Annotated[tuple[Canary, ...], Field(max_length=1_000)] = ()
    """Strings that no request may carry, in any form."""
    dialogs: Annotated[Literal["show", "accept", "dismiss"], word(("show", "accept", "dismiss"))] = "show"
    """Whether alert, confirm and prompt are drawn for the model to answer, or answered at once."""
    examples: tuple[Example, ...] = ()
    """What the policy must say to given effects; `harness.policy.check.run_examples` tries them."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.name in seen:
                raise located(("rules", index, "name"), "another rule has this name already", rule.name)
            seen.add(rule.name)
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _resolved(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        policy = handler(data)
        own = len(policy.rules)
        context = info.context if isinstance(info.context, dict) else {}
        chain: tuple[Path, ...] = context.get("chain", ())
        folder = chain[-1].parent if chain else None
        for index, name in enumerate(policy.extends):
            file = locate(name, folder)
            place = ("extends", index)
            if file is None:
                what = "there is no such policy, next to this file or ready-made"
                raise located(place, f"{what}; {nearest(name, known(folder))}", name)
            if len(chain) >= _DEEPEST:
                raise located(
                    place, f"more than {_DEEPEST} policies stand on one another in this chain", name
                )
            if file in chain:
                circle = " → ".join(one.name for one in (*chain, file))
                raise located(place, f"a policy cannot extend itself: {circle}", name)
            policy = narrow(policy, cls._read(file, chain))
        check_links(policy.rules, len(policy.rules) - own)
        return policy.model_copy(update={"extends": ()}) if policy.extends else policy

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a policy file, with all it extends.

        Raises:
            PolicyError: with one line that names the file, the place and what to write instead.
        """
        return cls._read(Path(path), ())

    @classmethod
    def _read(cls, file: Path, chain: tuple[Path, ...]) -> Self:
        data, marks = read_yaml(file, PolicyError)
        try:
            return cls.model_validate(data, context={"chain": (*chain, file.resolve())})
        except ValidationError as error:
            raise PolicyError(explain(error, file, marks, cls)) from error

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of its canonical JSON."""
        data = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
