"""The page that is shown instead of an answer."""

from harness.clearance import Request
from harness.gateway.refusal import page


def request(**changes: object) -> Request:
    return Request.model_validate(
        {"id": "r", "method": "GET", "url": "https://evil.test/<x>?\"'&", "resource": "document", **changes}
    )


def test_a_document_is_html_without_anything_live() -> None:
    reason, headers, body = page(request(), 403, 'rule"<b>', "<img src=x onerror=alert(1)>")
    fields = dict(headers)
    assert reason == b"Forbidden"
    assert fields[b"content-type"] == b"text/html; charset=utf-8"
    assert int(fields[b"content-length"]) == len(body)
    assert b"default-src 'none'" in fields[b"content-security-policy"]
    for live in (b"<img", b"<b>", b"<x>", b"<script", b"http-equiv", b"src="):
        assert live not in body.replace(b"img src=x", b"")
    assert b"Refused by the policy" in body


def test_others_get_text() -> None:
    _, headers, body = page(request(resource="fetch"), 403, "no", "Because.")
    assert dict(headers)[b"content-type"].startswith(b"text/plain")
    assert body == b"Refused by the policy: Because.\nrule: no\n"


def test_a_rules_name_is_a_harmless_header() -> None:
    for rule in ("a\r\nset-cookie: x=y", "règle", "", "x" * 1000):
        _, headers, _ = page(request(), 403, rule, "")
        value = dict(headers)[b"x-harness-rule"]
        assert 0 < len(value) <= 200
        assert value.isascii()
        assert not set(value) & set(b"\r\n\0")
