import pytest
from harness.evals.containment.naive import bound_for


@pytest.mark.parametrize(
    ("line", "host", "port", "connects"),
    [
        ("GET http://evil.test/x HTTP/1.1", "evil.test", 80, False),
        ("GET http://a@evil.test:81/x HTTP/1.1", "evil.test", 81, False),
        ("GET http://evil.test\0.also.test/x HTTP/1.1", "evil.test", 80, False),
        ("CONNECT evil.test:443 HTTP/1.1", "evil.test", 443, True),
        ("CONNECT [::1]:81 HTTP/1.1", "::1", 81, True),
        ("GET / HTTP/1.1\r\nHost: evil.test", "evil.test", 80, False),
        ("nonsense", "", 80, False),
    ],
)
def test_it_goes_wherever_it_is_told(line: str, host: str, port: int, connects: bool) -> None:
    assert bound_for(f"{line}\r\n\r\n".encode("latin-1")) == (host, port, connects)
