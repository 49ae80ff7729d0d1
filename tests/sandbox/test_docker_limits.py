"""A program in the container that takes all it can get meets a limit, and a browser beside it goes on.

How much slower the browser gets, `benchmarks/bench_neighbours.py` says.
"""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from engines import needs_docker
from harness.action import Goto
from harness.sandbox.chromium import HOME_INSIDE
from harness.sandbox.docker import CPUS, PROCESSES, DockerSandbox
from harness.sandbox.insider_docker import DockerInsider
from tests.sandbox.places import do, opened
from tests.sandbox.test_docker_inside import program, python

pytestmark = [needs_docker, pytest.mark.asyncio(loop_scope="module")]

BOMB = """
import os, signal
made, why = [], 0
try:
    while len(made) < 10_000:
        child = os.fork()
        if not child:
            signal.pause()
        made.append(child)
except OSError as error:
    why = error.errno
for child in made:
    os.kill(child, signal.SIGKILL)
print(len(made), why)
"""
HOG = """
import os
child = os.fork()
if not child:
    held = []
    while True:
        held.append(bytearray(os.urandom(4096) * 4096))
_, status = os.waitpid(child, 0)
print(os.WTERMSIG(status))
"""
FILLER = """
import json, os, sys
found = {}
for place in json.loads(sys.argv[1]):
    name, size = place + "/full", 0
    with open(name, "wb", buffering=0) as file:
        try:
            while size < 4 << 30:
                size += file.write(bytes(1 << 20))
        except OSError as error:
            found[place] = (size, error.errno)
    os.unlink(name)
print(json.dumps(found))
"""
SPINNER = """
import os, resource, time
begun, children = time.monotonic(), []
for _ in range(8):
    child = os.fork()
    if not child:
        while time.monotonic() < begun + 3:
            pass
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print((used.ru_utime + used.ru_stime) / (time.monotonic() - begun))
"""
EAGAIN, ENOSPC, SIGKILL = 11, 28, 9


@pytest_asyncio.fixture(loop_scope="module")
async def insider() -> AsyncIterator[DockerInsider]:
    """A container of a test's own, with a browser beside it that must still do its work afterwards."""
    async with opened(DockerSandbox) as (neighbour, _, asked):
        async with program() as inside:
            yield inside
            assert (await do(neighbour, Goto(url="http://shop.test/after"))).ok
        assert any("/after" in one for one in asked)
        await neighbour.observe()


async def test_a_fork_bomb_meets_the_limit_on_processes(insider: DockerInsider) -> None:
    made, why = map(int, (await python(insider, BOMB)).split())
    assert why == EAGAIN
    assert PROCESSES / 2 < made < PROCESSES


@pytest.mark.long
async def test_a_hog_is_killed_at_the_limit_on_memory_and_nobody_else(insider: DockerInsider) -> None:
    assert int(await python(insider, HOG)) == SIGKILL
    assert (await insider.run(["/bin/true"]))[0] == 0


async def test_a_filler_meets_the_end_of_every_folder_it_may_write_to(insider: DockerInsider) -> None:
    places = ["/tmp", "/dev/shm", HOME_INSIDE]
    found = json.loads(await python(insider, FILLER, json.dumps(places)))
    assert {place: why for place, (_, why) in found.items()} == dict.fromkeys(places, ENOSPC)
    assert all(size <= 1 << 29 for size, _ in found.values())


async def test_a_spinner_gets_its_share_of_the_cores_and_no_more(insider: DockerInsider) -> None:
    assert float(await python(insider, SPINNER)) <= CPUS * 1.15
