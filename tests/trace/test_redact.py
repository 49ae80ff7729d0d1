import pytest
from harness.trace.redact import header


@pytest.mark.parametrize("name", ["cookie", "Authorization", "set-cookie", "Proxy-Authorization"])
def test_credentials_are_kept_by_their_length(name: str) -> None:
    assert header(name, "Bearer abc") == "[redacted] 10 characters"
    assert header("accept", "text/html") == "text/html"
