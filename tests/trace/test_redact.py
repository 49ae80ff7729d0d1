import pytest
from harness.trace.redact import header


@pytest.mark.parametrize("name", ["cookie", "Authorization", "Proxy-Authorization"])
def test_credentials_are_kept_by_their_length(name: str) -> None:
    assert header(name, "Bearer abc") == "[redacted] 10 characters"
    assert header("accept", "text/html") == "text/html"
    assert header(name, header(name, "Bearer abc")) == "[redacted] 10 characters"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("sid=abc; Path=/; Secure", "sid=[redacted-3-characters]; Path=/; Secure"),
        ("sid=a=b", "sid=[redacted-3-characters]"),
        ("sid=; Max-Age=0", "sid=[redacted-0-characters]; Max-Age=0"),
        ("tokenonly; HttpOnly", "[redacted-9-characters]; HttpOnly"),
        ("=nameless", "=[redacted-8-characters]"),
        ("", "[redacted-0-characters]"),
    ],
)
def test_a_cookie_that_is_set_keeps_its_name_and_attributes(value: str, kept: str) -> None:
    assert header("Set-Cookie", value) == kept
    assert header("Set-Cookie", kept) == kept
