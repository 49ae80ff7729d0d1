"""A vendor's model on loopback: canned answers over real HTTP, and what was asked."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Vendor:
    """What was asked, and where to ask."""

    def __init__(self, answers: Iterable[dict[str, Any]]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.url = ""
        self.answers = iter(answers)


@contextmanager
def vendor(*answers: dict[str, Any]) -> Iterator[Vendor]:
    """Answer each POST with the next answer, and one too many with 400."""
    one = Vendor(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            one.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            found = next(one.answers, None)
            body = json.dumps(found or {"error": {"message": "asked once too often"}}).encode()
            self.send_response(200 if found else 400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
