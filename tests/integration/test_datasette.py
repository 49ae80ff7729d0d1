"""A real application that nobody here wrote: datasette over a real SQLite file, from pixels alone."""

import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest

ROWS = [
    ("Desk lamp", "blue", 34.5),
    ("Floor lamp", "white", 89.0),
    ("Desk chair", "blue", 120.0),
    ("Table lamp", "blue", 28.0),
    ("Book shelf", "white", 75.5),
    ("Wall lamp", "red", 41.0),
    ("Tea pot", "red", 22.5),
    ("Night lamp", "blue", 15.0),
]
POLICY = {
    "version": 1,
    "name": "data",
    "domains": {"navigate": ["data.test"]},
    "default": {"action": "allow", "request": "allow", "navigate": "deny"},
}


@pytest.fixture
def datasette(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "store.db"
    with sqlite3.connect(file) as db:
        db.execute("create table products (id integer primary key, name text, colour text, price real)")
        db.executemany("insert into products (name, colour, price) values (?, ?, ?)", ROWS)
        db.execute(
            'create virtual table products_fts using fts5 (name, content="products", content_rowid="id")'
        )
        db.execute("insert into products_fts (products_fts) values ('rebuild')")
    db.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path / "datasette.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "datasette", str(file), "--port", str(port)], stdout=log, stderr=log
    )
    try:
        _await_answer(f"http://127.0.0.1:{port}/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()


def _await_answer(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback server
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError):
            continue
    raise AssertionError("datasette did not start")


@pytest.mark.long
async def test_search_filter_and_read_a_table(datasette: str, tmp_path: Path) -> None:
    task = harness.Task.model_validate(
        {
            "name": "blue-lamps",
            "goal": "Which blue lamps are there, and what do they cost?",
            "start": "https://data.test/store/products",
            "hosts": {"data.test": datasette},
            "steps": [
                'type "lamp" into "Search"',
                "press Enter",
                'wait for "5 rows"',
                'select "colour" from "- column -"',
                "press Tab",
                "press Tab",
                'type "blue"',
                "press Enter",
                'wait for "3 rows"',
                'read table below "This data as" as lamps',
            ],
            "outputs": {"lamps": {"type": "array"}},
            "checks": [{"url": "https://data.test/store/products?*colour*blue*"}],
        }
    )
    result = await harness.run(
        task,
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver="deny",
        traces=tmp_path / "traces",
    )
    assert result.outcome == "done", result.reason
    lamps = result.outputs["lamps"]
    assert isinstance(lamps, list)
    rows = [(row["name"], row["colour"], float(str(row["price"]))) for row in lamps if isinstance(row, dict)]
    assert rows == [row for row in ROWS if "lamp" in row[0] and row[1] == "blue"]
