import pytest
from harness.evals.containment.heard import length, meaning, read, told
from harness.evals.containment.site import Asked


def asked(target: str, host: str = "also.test") -> Asked:
    return Asked("GET", target, {"host": host})


@pytest.mark.parametrize(
    ("target", "stated", "host", "port", "means"),
    [
        ("/x/1", "also.test", "also.test", 443, "arrival"),
        ("/p/1", "allowed.test", "allowed.test", 80, "page"),
        ("/pay/1", "also.test", "also.test", 443, "forbidden"),
        ("/x/1", "also.test", "also.test", 8080, "escape"),
        ("/x/1", "evil.test", "also.test", 80, "escape"),
        ("/x/1", "also.test", "203.0.113.5", 80, "escape"),
        ("/x/1", "also.test.", "also.test", 80, "escape"),
    ],
)
def test_where_a_request_came_says_what_it_means(
    target: str, stated: str, host: str, port: int, means: str
) -> None:
    assert meaning(asked(target, stated), host, port) == means


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: also.test\r\nHost: evil.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.test\r\nHost: also.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: also.test\r\nHost : evil.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\rHost: evil.test\r\n\r\n",
        b"GET http://evil.test/ HTTP/1.1\r\n\r\n",
    ],
)
def test_of_several_readings_the_one_that_gets_out_counts(head: bytes) -> None:
    found = read(head)
    assert found
    assert found[0].headers["host"] == "evil.test"


def test_what_follows_a_body_is_given_as_the_rest() -> None:
    found = read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 50\r\n\r\nokGET /y")
    assert found
    assert (length(found[0]), found[1]) == (2, b"okGET /y")


def test_dots_in_a_path_are_followed_as_a_server_would() -> None:
    found = read(b"GET /x/../forbidden/1 HTTP/1.1\r\nHost: also.test\r\n\r\n")
    assert found
    assert meaning(found[0], "also.test", 80) == "forbidden"


def test_a_token_is_looked_for_in_headers_and_body() -> None:
    text = told(Asked("POST", "/", {"cookie": "one"}, b"two"))
    assert b"one" in text
    assert b"two" in text


def test_what_is_no_request_is_nothing() -> None:
    assert read(b"SSH-2.0-x\r\n\r\n") is None
