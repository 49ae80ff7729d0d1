"""Secrets and canaries of another policy in recorded requests."""

from harness.clearance import Request
from harness.policy import Policy
from harness.replay.carried import Carried
from harness.replay.moments import recording
from harness.replay.rejudge import UNTOLD, rejudge
from tests.replay.conftest import policy
from tests.replay.test_rejudge import Play, post, put


def secret(*hosts: str, name: str = "shop") -> Policy:
    return policy(secrets={name: {"from": "env:X", "hosts": list(hosts)}})


LEAK = Request(id="1", method="GET", url="https://evil.test", leaks=("shop",))


def test_a_recorded_leak_is_refused_where_the_secret_may_not_go() -> None:
    said = Carried(secret("shop.test"), frozenset({"shop"}), ()).said(LEAK, None)
    assert said is not None
    assert (said.outcome, said.rule) == ("deny", "secrets")
    assert "it carries shop" in said.reason


def test_a_recorded_leak_of_what_the_policy_does_not_look_for_cannot_be_told() -> None:
    for other in (policy(), secret("evil.test"), secret("shop.test", name="other")):
        said = Carried(other, frozenset({"shop"}), ()).said(LEAK, None)
        assert said is not None
        assert said.outcome == "ask"


def test_a_canary_is_the_same_by_its_text_and_not_by_its_number() -> None:
    leak = LEAK.model_copy(update={"leaks": ("canary 2",)})
    for canaries, outcome in (["moth-77", "wasp-88"], "deny"), (["wasp-88"], "deny"), (["bees-99"], "ask"):
        said = Carried(policy(canaries=canaries), frozenset(), ("moth-77", "wasp-88")).said(leak, None)
        assert said is not None
        assert said.outcome == outcome, canaries


def test_new_canaries_are_looked_for_in_address_headers_and_body(play: Play) -> None:
    run = play(policy())
    put(run, Request(id="1", method="GET", url="https://a.test/?q=bW90aC03Nzc3", body_sha256="0" * 64), None)
    put(run, post(2, "moth-7777 flies"), b"moth-7777 flies")
    put(run, post(3, "nothing here"), b"nothing here")
    put(run, post(4, "who knows"), None)
    put(run, Request(id="5", method="GET", url="https://a.test/", headers=(("x-a", "moth-7777"),)), None)
    found = rejudge([recording(run.finish())], policy(canaries=["moth-7777"]))
    assert [(one.seq, one.now, one.rule) for one in found.differences] == [
        (1, "deny", "secrets"),
        (2, "deny", "secrets"),
        (4, UNTOLD, "secrets"),
        (5, "deny", "secrets"),
    ]


def test_a_leak_to_a_host_that_is_refused_anyway_can_be_told(play: Play) -> None:
    run = play(policy())
    put(run, LEAK, None)
    folder = run.finish()
    assert [one.now for one in rejudge([recording(folder)], policy()).differences] == [UNTOLD]
    narrow = policy(domains={"navigate": ["shop.test"]})
    assert [one.rule for one in rejudge([recording(folder)], narrow).differences] == ["domains.load"]


def test_secrets_that_the_run_did_not_know_are_named_as_not_looked_for(play: Play) -> None:
    run = play(secret("shop.test", name="old"))
    folder = run.finish()
    assert rejudge([recording(folder)], secret("shop.test", name="new")).unsought == {"new"}
    assert rejudge([recording(folder)], secret("shop.test", name="old")).unsought == set()
