"""One step of a report: the screen with the point of action on it, and beside it what was done and why."""

from collections.abc import Iterator, Sequence
from html import escape

from harness.clearance import Act, Target, Verdict
from harness.screen import Download
from harness.trace.events import Observed
from harness.trace.report_marks import marks
from harness.trace.report_media import Pictures
from harness.trace.timeline import Asking, Deed, Exchange, Step
from harness.trace.words import count, seconds, size, visible
from harness.words import describe, mishap, spent

NONE = "&ndash;"
"""Stands where there is nothing to say."""
FEW = 6
"""Requests of a step that are shown without opening the list."""

_TONES = {"allow": "ok", "ask": "warn", "deny": "bad", "stop": "bad"}
_VERDICTS = {"allow": "allowed", "ask": "asked", "deny": "denied", "stop": "stopped"}
_DECISIONS = {
    "approve": "approved",
    "edit": "offered something else",
    "deny": "denied",
    "stop": "stopped the run",
}
_RESULTS = {
    "done": ("ok", "done"),
    "refused": ("bad", "refused"),
    "failed": ("bad", "failed"),
    "not_executed": ("", "not executed"),
}


_HEADS = "".join(
    f'<th scope="col"{kind}>{name}</th>'
    for name, kind in (
        *((name, "") for name in ("Method", "Address", "Kind", "Verdict")),
        *((name, ' class="n"') for name in ("Status", "Bytes", "Time")),
    )
)


def text(value: str, *, multiline: bool = False, most: int = 2000) -> str:
    """Give text for HTML: escaped, and with nothing invisible in it."""
    return escape(visible(value, multiline=multiline, most=most))


def chip(words: str, tone: str = "", more: str = "") -> str:
    """Give a small label; `tone` is `ok`, `warn`, `bad` or nothing."""
    return f'<span class="{" ".join(part for part in ("chip", tone, more) if part)}">{text(words)}</span>'


def verdict_chip(verdict: Verdict) -> str:
    """Give the label of a verdict, its rule with it."""
    return chip(_VERDICTS[verdict.outcome], _TONES[verdict.outcome])


def tone(step: Step) -> str:
    """Say how a step went: `bad` if something was refused or failed, `warn` if a person was asked."""
    failed = any(deed.result is not None and deed.result.status == "failed" for deed in step.deeds)
    if step.refusals or step.failures or failed:
        return "bad"
    return "warn" if step.askings else "ok" if step.deeds else ""


def has(step: Step) -> str:
    """Give what a filter can look for in a step."""
    found = {"refused": step.refusals, "approvals": step.askings, "requests": len(step.exchanges)}
    return " ".join(name for name, number in found.items() if number)


def step_name(step: Step) -> str:
    """Say which step it is."""
    return f"Step {step.number}" if step.number else "Before the first step"


def section(step: Step, since: float, pictures: Pictures) -> str:
    """Give the HTML of one step, `since` seconds after the run began."""
    observed = step.observed
    where = ""
    if observed is not None:
        title = f"{text(observed.title, most=200)} · " if observed.title else ""
        where = f'{title}<span class="mono">{text(observed.url, most=300)}</span>'
    shot = _shot(observed, step, pictures) if observed is not None else ""
    story = "".join(
        (
            _thought(step),
            *_deeds([*step.deeds, *_unjudged(step)], pictures),
            *(_failure(one.error, one.message) for one in step.failures),
            _notes(step),
        )
    )
    return (
        f'<section class="step{"" if shot else " bare"}" id="step-{step.number}" tabindex="-1" '
        f'data-has="{has(step)}" aria-labelledby="step-{step.number}-name">'
        f'<header><h2 id="step-{step.number}-name">{step_name(step)}</h2><div class="where">{where}</div>'
        f'<div class="when">+{seconds(since)}</div></header>{shot}'
        f'<div class="story">{story}</div>{_wire(step.exchanges)}</section>\n'
    )


def _shot(observed: Observed, step: Step, pictures: Pictures) -> str:
    width, height = max(observed.size[0], 1), max(observed.size[1], 1)
    done = "; ".join(
        describe(Act(action=deed.action, target=deed.target))
        for deed in step.deeds
        if deed.action is not None
    )
    words = text(f"Screenshot of {step_name(step).lower()}: {observed.title or observed.url}", most=300)
    captions = [] if observed.settled else ["The screen was still changing."]
    canvas = f'viewBox="0 0 {width} {height}"'
    if pictures.repeated(observed.screenshot) and not pictures.first(observed.screenshot):
        name = f"shot-{observed.screenshot[:16]}"
        image = f'<svg {canvas} role="img" aria-label="{words}"><use href="#{name}"/></svg>'
        captions.append("Same picture as before.")
    else:
        picture = pictures.take(observed.screenshot)
        if picture.problem:
            return f'<figure class="shot"><div class="none">{text(picture.problem)}</div></figure>'
        if picture.small:
            captions.append("Shown smaller than it was, to keep this page openable.")
        if pictures.repeated(observed.screenshot):
            name = f"shot-{observed.screenshot[:16]}"
            image = (
                f'<svg {canvas} role="img" aria-label="{words}"><image id="{name}" href="{picture.uri}" '
                f'width="{width}" height="{height}" preserveAspectRatio="none"/></svg>'
            )
        else:
            image = (
                f'<img src="{picture.uri}" alt="{words}" width="{width}" height="{height}" '
                'loading="lazy" decoding="async">'
            )
    drawn = marks(step.deeds, width, height)
    about = text(f"Drawn on it: {done}", most=300)
    over = f'<svg class="over" {canvas} role="img" aria-label="{about}">{drawn}</svg>' if drawn else ""
    caption = f"<figcaption>{text(' '.join(captions))}</figcaption>" if captions else ""
    return f'<figure class="shot">{image}{over}<button type="button">Larger</button>{caption}</figure>'


def _thought(step: Step) -> str:
    if step.reply is None:
        return '<p class="soft">The model was asked and did not answer.</p>' if step.asked else ""
    said = step.reply.thought
    shown = (
        f'<blockquote class="thought">{text(said, multiline=True, most=20_000)}</blockquote>' if said else ""
    )
    mishaps = "".join(
        f'<p class="soft">The model: {text(mishap(one), most=300)}</p>' for one in step.reply.incidents
    )
    cost = spent(step.reply.usage)
    return "".join(
        (
            shown,
            mishaps,
            "" if step.reply.actions else '<p class="soft">The model asked for no action.</p>',
            f'<p class="soft">{text(cost)}</p>' if cost else "",
        )
    )


def _unjudged(step: Step) -> list[Deed]:
    """What the model said that touched nothing, such as its answer."""
    done = [deed.action for deed in step.deeds]
    asked = step.reply.actions if step.reply is not None else ()
    return [Deed(action=action) for action in asked if action not in done]


def _deeds(deeds: Sequence[Deed], pictures: Pictures) -> Iterator[str]:
    many = sum(deed.action is not None for deed in deeds) > 1
    number = 0
    for deed in deeds:
        number += deed.action is not None
        yield _deed(deed, f'<span class="order">{number}</span>' if many and deed.action else "", pictures)


def _deed(deed: Deed, order: str, pictures: Pictures) -> str:
    title = describe(Act(action=deed.action, target=deed.target)) if deed.action is not None else deed.words
    title = title[:1].upper() + title[1:]
    rows = [*_target(deed.target)] if deed.target is not None else []
    rows += [("Policy", _verdict(verdict)) for verdict in deed.verdicts]
    rows += [("Person", _asking(asking)) for asking in deed.askings]
    image = ""
    if deed.result is not None:
        mood, word = _RESULTS[deed.result.status]
        rule = f" by <b>{text(deed.result.rule)}</b>" if deed.result.rule else ""
        after = f" after {seconds(deed.result.seconds)}" if deed.result.seconds else ""
        known = {verdict.reason for verdict in deed.verdicts}
        message = ""
        if deed.result.message and deed.result.message not in known:
            message = f"<br>{text(deed.result.message, multiline=True)}"
        rows.append(("Result", f"{chip(word, mood)}{rule}{after}{message}"))
        image = _zoomed(deed.result.image, pictures) if deed.result.image else ""
    elif deed.intended:
        rows.append(("Result", f"{chip('unknown', 'warn')} The run ended before it was recorded."))
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    mood = " bad" if deed.refused else ""
    return f'<div class="deed{mood}"><h3>{order}{text(title)}</h3><dl>{listed}</dl>{image}</div>'


def _zoomed(digest: str, pictures: Pictures) -> str:
    picture = pictures.take(digest)
    if picture.problem:
        return f'<p class="fail">{text(picture.problem)}</p>'
    return f'<img src="{picture.uri}" alt="What the zoom showed" loading="lazy" decoding="async">'


def _target(target: Target) -> list[tuple[str, str]]:
    facts = [
        ("Link to", target.href),
        (
            "Form",
            f"{(target.form_method or 'get').upper()} {target.form_action}" if target.form_action else None,
        ),
        ("Frame", target.frame_origin or None),
    ]
    marked = [
        word
        for given, word in (
            (target.submits, "submits its form"),
            (target.password, "hides what is typed"),
            (target.input_type == "file", "takes files"),
        )
        if given
    ]
    said = f' <span class="soft">{", ".join(marked)}</span>' if marked else ""
    tag = f" <code>&lt;{text(target.tag, most=40)}&gt;</code>" if target.tag else ""
    name = f" “{text(target.name, most=200)}”" if target.name else ""
    rows = [("Target", f"{text(target.role or 'element', most=40)}{name}{tag}{said}")]
    return rows + [(label, f"<code>{text(value, most=500)}</code>") for label, value in facts if value]


def _verdict(verdict: Verdict) -> str:
    return f"{verdict_chip(verdict)} by <b>{text(verdict.rule)}</b>: {text(verdict.reason)}"


def _asking(asking: Asking) -> str:
    if asking.given is None:
        return f"{chip('no answer', 'warn')} within {seconds(asking.asked.seconds)}"
    approval = asking.given.approval
    mood = {"approve": "ok", "edit": "warn"}.get(approval.decision, "bad")
    note = f"<br>“{text(approval.note, multiline=True)}”" if approval.note else ""
    who = f" by <b>{text(approval.by)}</b> after {seconds(asking.given.seconds)}"
    return f"{chip(_DECISIONS[approval.decision], mood)}{who}{note}"


def _failure(error: str, message: str) -> str:
    return f'<p class="fail"><b>{text(error)}</b>: {text(message)}</p>'


def _notes(step: Step) -> str:
    downloads = step.observed.downloads if step.observed else ()
    found = [text(note) for note in (*(step.observed.notes if step.observed else ()), *step.notes)]
    found += [_download(one) for one in downloads]
    signals = step.reply.signals if step.reply is not None else ()
    found += [text(f"{one.provider} warns: {one.code}. {one.message}") for one in signals]
    return f'<ul class="lines">{"".join(f"<li>{one}</li>" for one in found)}</ul>' if found else ""


def _download(download: Download) -> str:
    amount = f", {size(download.size)}" if download.size is not None else ""
    why = f": {download.why}" if download.why else ""
    asked = f" (the page called it {download.suggested!r})" if download.suggested != download.name else ""
    return text(f"Download {download.status}: {download.name}{asked}{amount}{why}, from {download.url}")


def _wire(exchanges: Sequence[Exchange]) -> str:
    if not exchanges:
        return ""
    refused = sum(one.refused for one in exchanges)
    received = sum(one.response.received for one in exchanges if one.response is not None)
    facts = [count(len(exchanges), "request"), *([f"{refused} refused"] if refused else []), size(received)]
    ordered = sorted(exchanges, key=lambda one: not one.refused) if len(exchanges) > FEW else exchanges
    rows = "".join(_row(one) for one in ordered)
    state = " open" if len(exchanges) <= FEW or refused else ""
    return (
        f'<details class="wire"{state}><summary>{" · ".join(facts)}</summary><div class="scroll"><table>'
        f"<thead><tr>{_HEADS}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _row(one: Exchange) -> str:
    request, response = one.request, one.response
    why = [f"{one.verdict.rule}: {one.verdict.reason}"] if one.verdict.outcome != "allow" else []
    why += [f"a message was refused by {one.cut}"] if one.cut else []
    why += [response.error] if response is not None and response.error else []
    told = "".join(f'<span class="why">{text(line)}</span>' for line in why)
    asked = "".join(f'<span class="why">{_asking(asking)}</span>' for asking in one.askings)
    body = f'<span class="why">{size(request.body_size)} sent</span>' if request.body_size else ""
    if any(one.messages):
        out, inn = one.messages
        body += f'<span class="why">{count(out, "message")} out, {inn:,} in</span>'
    rule = "" if one.verdict.outcome != "allow" else f'<span class="why">{text(one.verdict.rule)}</span>'
    mood = ' class="bad"' if one.refused else ""
    status = str(response.status) if response is not None and response.status is not None else NONE
    received = size(response.received) if response is not None else NONE
    took = seconds(response.seconds) if response is not None else NONE
    return (
        f"<tr{mood}><td>{text(request.method, most=20)}</td>"
        f'<td><span class="mono">{text(request.url, most=500)}</span>{body}{told}{asked}</td>'
        f"<td>{request.resource}</td><td>{verdict_chip(one.verdict)}{rule}</td>"
        f'<td class="n">{status}</td><td class="n">{received}</td><td class="n">{took}</td></tr>'
    )
