"""MiniWoB++ as a site: its own files, seeded and started, with its reward reported back."""

import importlib.util
import json
import mimetypes
from pathlib import Path
from urllib.parse import parse_qs

from asgi import Receive, Scope, Send, give, whole

_START = b"""
<script>
addEventListener('load', () => {
  const seed = new URL(location.href).searchParams.get('seed')
  Math.seedrandom(seed); core.EPISODE_MAX_TIME = 600000; core.hideDisplay(); core.startEpisodeReal()
  const tell = (path, what) => fetch(path, { method: 'POST', keepalive: true, body: JSON.stringify(what) })
  tell('/told/goal', core.getUtterance())
  const timer = setInterval(() => {
    if (WOB_DONE_GLOBAL) { clearInterval(timer); tell('/told/reward', WOB_RAW_REWARD_GLOBAL) }
  }, 10)
})
</script>
"""


def pages() -> Path:
    """Where the pages of the installed `miniwob` package are; the package itself is not imported."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or spec.origin is None:
        raise SystemExit("install the pages first: pip install --no-deps miniwob==1.1.0")
    return Path(spec.origin).parent / "html"


class MiniWob:
    """An ASGI app over the pages, that keeps what they tell."""

    def __init__(self) -> None:
        self.goal: str | None = None
        self.reward: float | None = None
        self._root = pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await whole(receive)
        status, kind, data = self._answer(scope["path"], scope["query_string"], body)
        await give(send, data, kind.encode(), status)

    def _answer(self, path: str, query: bytes, body: bytes) -> tuple[int, str, bytes]:
        match path:
            case "/told/goal":
                self.goal = str(json.loads(body))
                return 200, "text/plain", b""
            case "/told/reward":
                self.reward = float(json.loads(body))
                return 200, "text/plain", b""
        file = (self._root / path.lstrip("/")).resolve()
        if self._root not in file.parents or not file.is_file():
            return 404, "text/plain", b"no such page"
        data = file.read_bytes()
        if file.suffix == ".html" and b"seed" in parse_qs(query):
            data += _START
        return 200, mimetypes.guess_type(file.name)[0] or "application/octet-stream", data
