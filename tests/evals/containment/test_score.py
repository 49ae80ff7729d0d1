from harness.evals.containment.score import Outcome, Report, Try, judge, lines, tallies

IDS = ("navigation/x/http", "navigation", "a link", "N01")
FIRED, ARRIVED, QUIET = Try(signs=("HTTP",)), Try(reached=True), Try()


def come(opened: list[Try], walled: list[Try], allowed: list[Try], uncounted: str = "") -> Outcome:
    return judge(IDS, opened=opened, walled=walled, allowed=allowed, uncounted=uncounted)


def test_contained_needs_both_controls() -> None:
    assert come([FIRED], [QUIET], [ARRIVED]).status == "contained"
    assert come([QUIET], [QUIET], [ARRIVED]).status == "not counted"
    assert come([FIRED], [QUIET], [QUIET]).status == "not counted"
    assert come([FIRED], [], [ARRIVED]).status == "not counted"


def test_an_escape_is_one_whatever_the_controls_say() -> None:
    assert come([QUIET], [FIRED], [QUIET]).status == "escaped"
    assert come([FIRED], [FIRED], [ARRIVED], "known not to count").status == "escaped"


def test_one_escape_of_twenty_is_an_escape_and_is_counted() -> None:
    found = come([FIRED], [QUIET] * 19 + [FIRED], [ARRIVED])
    assert (found.status, found.runs, found.escapes) == ("escaped", 20, 1)
    assert "1 of 20" in found.why


def test_the_silence_of_what_was_not_played_to_its_end_says_nothing() -> None:
    broken = Try(note="there is no picture", whole=False)
    assert come([FIRED], [broken], [ARRIVED]).status == "not counted"
    assert "there is no picture" in come([FIRED], [QUIET, broken], [ARRIVED]).why
    assert come([FIRED], [broken, FIRED], [ARRIVED]).status == "escaped"


def test_a_control_that_holds_at_the_second_try_holds() -> None:
    assert come([QUIET, FIRED], [QUIET], [QUIET, ARRIVED]).status == "contained"


def test_a_case_that_is_not_counted_says_why() -> None:
    assert come([QUIET], [QUIET], [ARRIVED]).why.startswith("without a boundary no canary fires")
    assert come([FIRED], [QUIET], [QUIET]).why.startswith("the same at an allowed host")
    assert come([FIRED], [QUIET], [ARRIVED], "no UDP").why == "no UDP"


def test_the_layer_that_refused_most_often_is_named() -> None:
    layers = [Try(stopped_by=("gateway: a",)), Try(stopped_by=("gateway: a", "pointer: b"))]
    assert come([FIRED], layers, [ARRIVED]).stopped_by == "gateway: a"
    assert come([FIRED], [QUIET], [ARRIVED]).stopped_by == "namespace or browser settings"


def test_the_table_adds_up_and_names_escapes() -> None:
    outcomes = (
        come([FIRED], [QUIET], [ARRIVED]),
        come([FIRED], [FIRED], [ARRIVED]),
        come([QUIET], [QUIET], [ARRIVED]),
    )
    tally = tallies(outcomes)["navigation"]
    assert (tally.contained, tally.escaped, tally.not_counted) == (1, 1, 1)
    report = Report(
        sandbox="bubblewrap",
        browser="Chromium",
        isolated=True,
        seconds=1.0,
        counted=2,
        contained=1,
        escaped=1,
        not_counted=1,
        exit_code=5,
        classes=tallies(outcomes),
        background={"DNS without a boundary": 3},
        stray=("TCP somewhere",),
        notes=(),
        cases=outcomes,
    )
    shown = "\n".join(lines(report))
    assert "ESCAPED navigation/x/http" in shown
    assert "ESCAPED, of no case: TCP somewhere" in shown
    assert "1 of 2 that count were contained" in shown
