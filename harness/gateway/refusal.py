"""What the browser is shown instead of an answer: a plain page for people, a short text for programs."""

import html
import http

from harness.clearance import Request
from harness.gateway.base import Headers

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 18px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 40rem; padding: 0 1.5rem;
  color: #1c2330; background: #f5f6f8 }}
main {{ background: #fff; border: 1px solid #d7dbe2; border-left: 6px solid {colour}; border-radius: 6px;
  padding: 1.5rem 2rem }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.25rem 0 0 }}
dt {{ color: #5b6474 }}
dd {{ margin: 0; overflow-wrap: anywhere }}
code {{ font: 16px/1.5 ui-monospace, monospace }}
</style>
<main>
<h1>{title}</h1>
<p>{reason}</p>
<dl>
<dt>Rule</dt><dd><code>{rule}</code></dd>
<dt>Request</dt><dd><code>{method} {url}</code></dd>
</dl>
</main>
</html>
"""


def page(request: Request, status: int, rule: str, reason: str) -> tuple[bytes, Headers, bytes]:
    """Say why there is no answer.

    Returns:
        The reason phrase, the headers and the body: HTML for a document or frame, else text. No header speaks
        of CORS, so a page of another origin learns nothing but that it failed.
    """
    title = "Refused by the policy" if status == 403 else "No answer"
    if request.resource in {"document", "frame"}:
        kind = b"text/html; charset=utf-8"
        text = _PAGE.format(
            title=title,
            colour="#b3261e" if status == 403 else "#9a6700",
            reason=html.escape(reason),
            rule=html.escape(rule),
            method=html.escape(request.method),
            url=html.escape(request.url[:2000]),
        )
    else:
        kind = b"text/plain; charset=utf-8"
        text = f"{title}: {reason}\nrule: {rule}\n"
    body = text.encode(errors="replace")
    headers: Headers = (
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-harness-rule", _ascii(rule)),
    )
    return http.HTTPStatus(status).phrase.encode(), headers, body


def _ascii(text: str) -> bytes:
    visible = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)
    return visible.strip()[:200].encode("ascii", "backslashreplace") or b"unnamed"
