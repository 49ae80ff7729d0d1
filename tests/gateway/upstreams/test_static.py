"""A folder serves its files, as their types and in part, and nothing outside it."""

import os
from pathlib import Path

import pytest
from harness.errors import NotClearedError, TaskError
from harness.gateway.base import Answer, UpstreamError
from harness.gateway.upstreams.static import StaticUpstream
from tests.gateway.support import ask, opened, spool, whole

DATA = bytes(range(256)) * 1000


@pytest.fixture
def site(tmp_path: Path) -> StaticUpstream:
    root = tmp_path / "site"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "index.html").write_text("<h1>home</h1>")
    (root / "sub" / "index.html").write_text("<h1>sub</h1>")
    (root / "app.js").write_text("1")
    (root / "data.bin").write_bytes(DATA)
    (root / "a b&c.txt").write_text("spaced")
    (root / "empty").write_bytes(b"")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "inside").symlink_to("app.js")
    (root / "outside").symlink_to("../secret.txt")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    (tmp_path / "site-twin").mkdir()
    (tmp_path / "site-twin" / "x").write_text("secret")
    return StaticUpstream(root)


async def get(site: StaticUpstream, target: str, method: str = "GET", **headers: str) -> Answer:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return await site.send(ask(f"https://site.test{target}", method=method, headers=pairs), spool())


@pytest.mark.parametrize(
    ("target", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<h1>home</h1>"),
        ("/sub/", "text/html; charset=utf-8", b"<h1>sub</h1>"),
        ("/app.js?v=2", "text/javascript; charset=utf-8", b"1"),
        ("/data.bin", "application/octet-stream", DATA),
        ("/a%20b&c.txt", "text/plain; charset=utf-8", b"spaced"),
        ("/inside", "text/javascript; charset=utf-8", b"1"),
        ("/empty", "application/octet-stream", b""),
        ("/sub/../app.js", "text/javascript; charset=utf-8", b"1"),
    ],
)
async def test_files_are_served_as_what_they_are(
    site: StaticUpstream, target: str, kind: str, body: bytes
) -> None:
    answer = await get(site, target)
    headers = dict(answer.headers)
    assert (answer.status, headers[b"content-type"].decode()) == (200, kind)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert await whole(answer) == body
    head = await get(site, target, "HEAD")
    assert (head.status, dict(head.headers), await whole(head)) == (200, headers, b"")


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/sub/deep/",
        "/outside",
        "/up/secret.txt",
        "/up/",
        "/loop",
        "/pipe",
        "/..%2fsecret.txt",
        "/sub/..%2f..%2f..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/app.js%00",
        "/app.js%00.html",
        "/app.js/",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/../site-twin/x",
        "/..%2fsite-twin%2fx",
        f"/{'a' * 5000}",
    ],
)
async def test_nothing_else_is(site: StaticUpstream, target: str) -> None:
    answer = await get(site, target)
    assert answer.status == 404
    assert b"secret" not in await whole(answer)


@pytest.mark.parametrize(
    ("wanted", "status", "first", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=255000-", 206, 255_000, 256_000),
        ("bytes=-5", 206, 255_995, 256_000),
        ("bytes=255999-999999999", 206, 255_999, 256_000),
        ("bytes=-999999999", 200, 0, 256_000),
        ("bytes=9-2", 200, 0, 256_000),
        ("bytes=0-1,5-6", 200, 0, 256_000),
        ("lines=0-1", 200, 0, 256_000),
        ("bytes=-", 200, 0, 256_000),
    ],
)
async def test_ranges(site: StaticUpstream, wanted: str, status: int, first: int, end: int) -> None:
    answer = await get(site, "/data.bin", range=wanted)
    assert answer.status == status
    assert await whole(answer) == DATA[first:end]
    if status == 206:
        assert dict(answer.headers)[b"content-range"] == f"bytes {first}-{end - 1}/256000".encode()


@pytest.mark.parametrize("wanted", ["bytes=256000-", "bytes=-0"])
async def test_ranges_out_of_reach(site: StaticUpstream, wanted: str) -> None:
    answer = await get(site, "/data.bin", range=wanted)
    assert (answer.status, dict(answer.headers)[b"content-range"]) == (416, b"bytes */256000")


async def test_unchanged_files_are_not_sent_again(site: StaticUpstream) -> None:
    tag = dict((await get(site, "/app.js")).headers)[b"etag"].decode()
    assert (await get(site, "/app.js", if_none_match=tag)).status == 304
    assert (await get(site, "/app.js", if_none_match='"other"')).status == 200
    assert (await get(site, "/data.bin", range="bytes=0-1", if_range='"other"')).status == 200


async def test_a_folder_without_its_slash_is_redirected_on_its_own_host(site: StaticUpstream) -> None:
    answer = await get(site, "/sub?a=b")
    assert (answer.status, dict(answer.headers)[b"location"]) == (301, b"https://site.test/sub/?a=b")


async def test_other_methods_and_websockets_are_refused(site: StaticUpstream) -> None:
    answer = await get(site, "/app.js", "POST")
    assert (answer.status, dict(answer.headers)[b"allow"]) == (405, b"GET, HEAD")
    with pytest.raises(UpstreamError, match="no WebSockets"):
        await site.connect(ask("https://site.test/", url="wss://site.test/"))


async def test_a_ticket_is_good_once(site: StaticUpstream) -> None:
    cleared = ask("https://site.test/")
    await site.send(cleared, spool())
    with pytest.raises(NotClearedError):
        await site.send(cleared, spool())


async def test_through_the_gateway(site: StaticUpstream, tmp_path: Path) -> None:
    async with opened(tmp_path, {"site.test": site}) as setup:
        reply = await setup.get("https://site.test/data.bin", range="bytes=10-19")
        assert (reply.status, reply.body) == (206, DATA[10:20])
        assert (await setup.ask("HEAD", "https://site.test/data.bin")).headers["content-length"] == "256000"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot serve"):
        StaticUpstream(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(TaskError, match="not a folder"):
        StaticUpstream(tmp_path / "file")
