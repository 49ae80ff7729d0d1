"""`extends`: a policy may only narrow those it stands on.

* domains: where the parent lists any, each of the child's must lie within one of them; not written, they are
  the parent's;
* rules: the parent's, then the child's; a child's rule that is less strict than a default its parent wrote is
  refused, for it would open what the parent keeps shut;
* defaults, dialogs, silence and limits: the stricter of what both wrote;
* secrets and canaries: both; examples: the child's own.

So whatever the parent's words refuse or ask about, the child refuses or asks about too. A default that the
parent does not write is no word of its own, so that a parent can be a mere list of rules; but where it lists
domains, pages outside them stay refused.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from harness.clearance import Outcome
from harness.policy.conditions import located
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.rules import On, Says, rank
from harness.task import Limits

if TYPE_CHECKING:
    from harness.policy.schema import ApprovalSettings, Defaults, Domains, Policy

P = TypeVar("P", bound="Policy")
_DIALOGS = ("dismiss", "show", "accept")


def narrow(child: P, parent: P) -> P:
    """Give the child with all that its parent demands.

    Args:
        child: a policy as far as it is resolved.
        parent: a policy, resolved.

    Raises:
        ValidationError: with the place in the child, where it would allow what the parent does not.
    """
    own = {rule.name for rule in parent.rules}
    for place, rule in enumerate(child.rules):
        if rule.name in own:
            raise located(("rules", place, "name"), f"{parent.name!r} has a rule of this name", rule.name)
        for on in rule.on:
            opened = _opens(on, rule.verdict, parent.default)
            if opened:
                what = f"it would widen {parent.name!r}, whose default.{opened} is stricter"
                raise located(("rules", place, "verdict"), what, rule.verdict)
    for name in child.secrets.keys() & parent.secrets.keys():
        if child.secrets[name] != parent.secrets[name]:
            raise located(("secrets", name), f"{parent.name!r} has another secret of this name", name)
    return child.model_copy(
        update={
            "domains": _domains(child.domains, parent),
            "default": _defaults(child.default, parent),
            "rules": (*parent.rules, *child.rules),
            "limits": _limits(child.limits, parent.limits),
            "approval": _approval(child.approval, parent.approval),
            "secrets": {**parent.secrets, **child.secrets},
            "canaries": tuple(dict.fromkeys((*parent.canaries, *child.canaries))),
            **_dialogs(child, parent),
        }
    )


def _written(defaults: "Defaults") -> dict[str, Outcome]:
    return {
        name: value for name, value in defaults if name in defaults.model_fields_set and value is not None
    }


def _opens(on: On, verdict: Says, defaults: "Defaults") -> str | None:
    if verdict == "note":
        return None
    written = _written(defaults)
    return next(
        (one for one in _kept(on, written) if one in written and rank(verdict) > rank(written[one])), None
    )


def _kept(on: On, written: Mapping[str, Outcome]) -> tuple[str, ...]:
    match on:
        case "navigate":
            return ("action", "request")
        case "upload" | "dialog":
            return ("action",)
        case "download":
            return ("download",) if "download" in written else ("request",)
        case "action" | "request" | "plan" | "signal":
            return (on,)
        case _:
            assert_never(on)


def _domains(wanted: "Domains", parent: "Policy") -> "Domains":
    allowed = parent.domains
    if not allowed.model_fields_set or not wanted.model_fields_set:
        return wanted if wanted.model_fields_set else allowed
    _within(allowed.visited, wanted.navigate, parent.name, "navigate")
    _within(allowed.loaded, wanted.load or (), parent.name, "load")
    if "navigate" in wanted.model_fields_set:
        return wanted
    return wanted.model_copy(update={"navigate": allowed.navigate})


def _within(allowed: Reach, wanted: tuple[str, ...], parent: str, field: str) -> None:
    for place, text in enumerate(wanted):
        pattern = read_host_pattern(text)
        if not any(one.covers(pattern) for one in allowed.patterns):
            what = f"it would widen {parent!r}, where {allowed.sentence('reached')} and nothing else"
            raise located(("domains", field, place), what, text)


def _defaults(child: "Defaults", parent: "Policy") -> "Defaults":
    own, demanded = _written(child), _written(parent.default)
    if parent.domains.model_fields_set:
        demanded["navigate"] = parent.default.navigate
    stricter = {name: min(value, own.get(name, value), key=rank) for name, value in demanded.items()}
    return child.model_copy(update=stricter)


def _limits(child: Limits, parent: Limits) -> Limits:
    own = dict(child)
    smaller = {
        name: value if own[name] is None else min(value, own[name])
        for name, value in parent
        if value is not None
    }
    return child.model_copy(update=smaller)


def _approval(child: "ApprovalSettings", parent: "ApprovalSettings") -> "ApprovalSettings":
    changes: dict[str, Any] = {}
    if "timeout" in parent.model_fields_set:
        written = "timeout" in child.model_fields_set
        changes["timeout"] = min(child.timeout, parent.timeout) if written else parent.timeout
    if parent.otherwise == "stop":
        changes["otherwise"] = "stop"
    return child.model_copy(update=changes)


def _dialogs(child: "Policy", parent: "Policy") -> dict[str, str]:
    if "dialogs" not in parent.model_fields_set:
        return {}
    if "dialogs" not in child.model_fields_set:
        return {"dialogs": parent.dialogs}
    return {"dialogs": min(parent.dialogs, child.dialogs, key=_DIALOGS.index)}
