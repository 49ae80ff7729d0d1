"""The page of a report: who, what and how it ended on top, then a section a step."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from importlib import resources

from pydantic import JsonValue

from harness.clearance import Usage
from harness.trace.events import Checked, Judged, Requested, RunFinished
from harness.trace.lineage import kin
from harness.trace.reader import Trace, member, sandbox_name
from harness.trace.report_media import Pictures
from harness.trace.report_step import NONE, chip, has, section, step_name, text, tone
from harness.trace.timeline import Step, Timeline
from harness.trace.verify import Verification
from harness.trace.words import OUTCOMES, count, seconds

_TONES = {"done": "ok", "failed": "bad", "stopped": "bad", "error": "bad"}
_VERDICTS = {
    "allow": ("ok", "allowed"),
    "ask": ("warn", "asked"),
    "deny": ("bad", "denied"),
    "stop": ("bad", "stopped"),
}


def page(trace: Trace, found: Timeline, verification: Verification, pictures: Pictures) -> Iterator[str]:
    """Give the HTML in pieces, so that a long report is never whole in memory."""
    css, script = _part("report.css"), _part("report.js")
    name = text(member(trace.header.task, "name") or trace.header.run_id, most=200)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_sha256(css)}'; script-src '{_sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{name}: {_outcome(trace)}</title>'
        f"<style>{css}</style></head>\n<body>\n"
    )
    yield _top(trace, found, verification)
    yield _bar(found.steps)
    yield "<main>\n"
    start = trace.events[0].time
    for step in found.steps:
        yield section(step, max((step.time - start).total_seconds(), 0.0), pictures)
    yield "</main>\n"
    thumbnails = f" {count(pictures.thumbnails, 'picture')} shown smaller." if pictures.thumbnails else ""
    versions = ", ".join(f"{name} {version}" for name, version in trace.header.versions.items())
    yield (
        f"<footer>{text(trace.header.run_id)} · {text(versions)} · head "
        f'<span class="mono">{verification.head}</span>.{thumbnails}</footer>\n'
        f"<script>{script}</script>\n</body></html>\n"
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _sha256(part: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode("ascii")


def _outcome(trace: Trace) -> str:
    return OUTCOMES[trace.finish.outcome if trace.finish else "unfinished"]


def _top(trace: Trace, found: Timeline, verification: Verification) -> str:
    header, finish = trace.header, trace.finish
    mood = _TONES.get(finish.outcome, "warn") if finish else "warn"
    reason = (
        f'<p class="reason">{text(finish.reason, multiline=True)}</p>' if finish and finish.reason else ""
    )
    began = trace.events[0].time.strftime("%Y-%m-%d %H:%M:%S UTC")
    goal = text(member(header.task, "goal"), multiline=True, most=5000)
    return (
        f'<header class="run"><p class="kicker">Run {text(header.run_id, most=100)} · {began}</p>'
        f'<div class="title"><h1>{text(member(header.task, "name") or header.run_id, most=200)}</h1>'
        f'{chip(_outcome(trace), mood, "big")}</div><p class="goal">{goal}</p>{reason}'
        f"{''.join(_banners(trace, verification))}{_facts(trace)}"
        f'<div class="pair">{_checks(found.checks)}{_outputs(finish)}</div></header>\n'
    )


def _banners(trace: Trace, verification: Verification) -> Iterator[str]:
    sandbox = trace.header.sandbox
    if trace.header.redacted is not None:
        origin = trace.header.redacted
        yield _banner("warn", "Redacted.", f"Made of run {origin.run_id}, whose trace ends in {origin.head}.")
    if not (isinstance(sandbox, dict) and sandbox.get("isolated") is True):
        yield _banner("bad", "Not isolated.", "The browser shared this machine's network and files.")
    if not verification.ok:
        problems = f"{count(len(verification.problems), 'problem')}; the first: {verification.problems[0]}"
        yield _banner("bad", "This trace does not verify.", problems)
    if trace.recovered:
        yield _banner(
            "warn", "The end of the trace is torn.", f"{trace.recovered[0].upper()}{trace.recovered[1:]}."
        )
    for one in kin(trace):
        yield _banner("warn", "Gone on with.", one)
    if trace.finish is None:
        words = "The trace has no end: the run was killed, or has not ended yet."
        yield _banner("warn", "Unfinished.", words)


def _banner(mood: str, title: str, words: str) -> str:
    return f'<p class="banner {mood}" role="note">{title} <span>{text(words)}</span></p>'


def _facts(trace: Trace) -> str:
    header, finish = trace.header, trace.finish
    layers = header.sandbox.get("layers") if isinstance(header.sandbox, dict) else None
    isolation = " · ".join(str(one) for one in layers) if isinstance(layers, list) else ""
    verdicts = finish.verdicts if finish else _verdicts(trace)
    chips = " ".join(
        chip(f"{verdicts[name]:,} {word}", mood)
        for name, (mood, word) in _VERDICTS.items()
        if verdicts.get(name)
    )
    browser = member(header.sandbox, "browser")
    facts = (
        ("Model", text(header.model), ""),
        (
            "Sandbox",
            text(sandbox_name(header.sandbox)),
            text(browser),
        ),
        (
            "Policy",
            text(member(header.policy, "name") or "unnamed"),
            f'<span class="mono">{text(header.policy_sha256[:16])}…</span>',
        ),
        ("Approver", text(header.approver), ""),
        ("Steps", f"{trace.steps:,}", f"in {seconds(trace.seconds)}"),
        ("Verdicts", chips or NONE, ""),
        ("Usage", *_usage(finish.usage if finish else Usage())),
    )
    cells = "".join(
        f"<div><dt>{label}</dt><dd>{value}{f'<small>{more}</small>' if more else ''}</dd></div>"
        for label, value, more in facts
    )
    if isolation:
        cells += f'<div class="wide"><dt>Isolation</dt><dd><small>{text(isolation)}</small></dd></div>'
    return f'<dl class="facts">{cells}</dl>'


def _verdicts(trace: Trace) -> Counter[str]:
    events = (recorded.event for recorded in trace.events)
    return Counter(event.verdict.outcome for event in events if isinstance(event, Judged | Requested))


def _usage(usage: Usage) -> tuple[str, str]:
    if usage.input_tokens is None and usage.output_tokens is None:
        return ("no tokens counted", "")
    cost = f"{usage.cost_usd:.2f} USD" if usage.cost_usd is not None else "cost unknown"
    return (f"{(usage.input_tokens or 0) + (usage.output_tokens or 0):,} tokens", cost)


def _checks(checks: list[Checked]) -> str:
    rows = "".join(
        f"<li>{chip('passed', 'ok') if one.passed else chip('failed', 'bad')}<div>{text(one.check)}"
        f'{f"""<br><span class="soft">{text(one.detail)}</span>""" if one.detail else ""}</div></li>'
        for one in checks
    )
    return f'<div class="card"><h2>Checks</h2><ul>{rows}</ul></div>' if rows else ""


def _outputs(finish: RunFinished | None) -> str:
    if finish is None or not finish.outputs:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{text(_value(value), multiline=True)}</td></tr>'
        for name, value in finish.outputs.items()
    )
    return f'<div class="card"><h2>Outputs</h2><table><tbody>{rows}</tbody></table></div>'


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _bar(steps: list[Step]) -> str:
    words = [has(step).split() for step in steps]
    counts = [("all", "All steps", len(steps))] + [
        (name, label, sum(name in one for one in words))
        for name, label in (("refused", "Refused"), ("approvals", "Approvals"), ("requests", "Requests"))
    ]
    buttons = "".join(
        f'<button type="button" data-show="{name}" aria-pressed="{"true" if name == "all" else "false"}">'
        f"{label} {number}</button>"
        for name, label, number in counts
    )
    links = "".join(
        f'<a class="{tone(step)}" href="#step-{step.number}" title="{step_name(step)}">'
        f"{step.number or '•'}</a>"
        for step in steps
    )
    return (
        f'<div class="bar"><div><div class="filters" role="group" aria-label="Show">{buttons}</div>'
        '<span id="shown" class="soft" role="status"></span>'
        '<span class="keys"><kbd>j</kbd> next · <kbd>k</kbd> previous</span></div></div>\n'
        f'<nav class="map" aria-label="Steps">{links}</nav>\n'
    )
