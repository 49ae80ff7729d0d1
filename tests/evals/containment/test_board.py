import itertools

from harness.evals.containment.board import Board


def board() -> Board:
    numbers = itertools.count()
    return Board(lambda: f"{next(numbers):011x}")


def test_what_is_heard_belongs_to_the_arm_whose_token_it_carries() -> None:
    ours = board()
    opened, walled = ours.token("a", "open"), ours.token("a", "walled")
    ours.heard("HTTP", "open", f"GET /x/{opened} HTTP/1.1".encode())
    assert ours.signs(opened) == {"HTTP"}
    assert ours.signs(walled) == frozenset()
    assert ours.hits[0].owner is not None
    assert (ours.hits[0].owner.case, ours.hits[0].owner.arm) == ("a", "open")


def test_a_token_is_known_in_capitals_and_in_the_middle_of_a_name() -> None:
    ours = board()
    token = ours.token("a", "walled")
    ours.heard("DNS", "walled", f"_4711._https.{token.upper()}.EVIL.test".encode())
    assert ours.signs(token) == {"DNS"}


def test_a_token_that_was_never_given_out_is_nobodys() -> None:
    ours = board()
    ours.heard("HTTP", "walled", b"GET /q00000000000 HTTP/1.1")
    assert ours.hits[0].owner is None


def test_a_packet_without_a_token_belongs_to_whoever_has_the_port_on_that_side() -> None:
    ours = board()
    opened, walled = ours.token("stun", "open"), ours.token("stun", "walled")
    ours.lend(4711, opened)
    ours.heard("UDP", "walled", b"\0\1", 4711)
    assert ours.hits[0].owner is None
    ours.lend(4711, walled)
    ours.heard("UDP", "walled", b"\0\1", 4711)
    ours.heard("UDP", "open", b"\0\1", 4712)
    assert ours.signs(walled) == {"UDP"}
    assert ours.signs(opened) == frozenset()


def test_layers_that_refused_are_named_once_in_order() -> None:
    ours = board()
    token = ours.token("a", "walled")
    for layer in ("pointer: x", "gateway: y", "pointer: x"):
        ours.refused(token.encode(), layer)
    assert ours.stopped_by(token) == ("pointer: x", "gateway: y")


async def test_waiting_ends_with_the_news_or_with_the_time() -> None:
    ours = board()
    token = ours.token("a", "allowed")
    assert not await ours.until(token, lambda: ours.was_reached(token), 0.01)
    ours.reached(token.encode())
    assert await ours.until(token, lambda: ours.was_reached(token), 0.01)
