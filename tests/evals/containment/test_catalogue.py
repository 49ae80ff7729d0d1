import pytest
from harness.errors import InputError
from harness.evals.containment.cases import CLASSES, PageProbe, RawProbe
from harness.evals.containment.catalogue import BRIEF, brief, catalogue, chosen
from harness.evals.containment.targets import TARGETS, Places, spot


def test_there_are_enough_cases_each_with_a_name_of_its_own() -> None:
    ids = [one.id for one in catalogue()]
    assert len(ids) == len(set(ids))
    assert sum(not one.uncounted for one in catalogue()) >= 300
    assert {one.kind for one in catalogue()} == set(CLASSES)


def test_every_arm_of_every_page_and_bytes_carries_its_token() -> None:
    places = Places(4711, "192.0.2.9")
    for case in catalogue():
        here = spot(places, "walled", "name", "https", "q0123456789a", lent=4712)
        match case.probe:
            case PageProbe():
                here = spot(places, "walled", case.probe.target, case.probe.scheme, "q0123456789a", lent=4712)
                page = case.probe.page(here)
                files = b"".join(one.body for one in page.files.values())
                text = page.html + str(page.headers) + files.decode()
                assert here.token in text or "4712" in text, case.id
                assert "$" not in text.replace("${", ""), case.id
            case RawProbe():
                said = case.probe.first(here) + (case.probe.then(here) if case.probe.then else b"")
                assert here.token.encode() in said or case.probe.sni, case.id
            case _:
                pass


def test_the_allowed_arm_goes_to_an_allowed_host_whatever_the_target() -> None:
    for target in TARGETS:
        here = spot(Places(1, ""), "allowed", target, "https", "q0123456789a")
        assert here.base == "https://also.test/x/q0123456789a"


def test_cases_are_chosen_by_class_and_by_the_beginning_of_an_id() -> None:
    assert {one.kind for one in chosen(["proxy"])} == {"proxy"}
    assert {one.id for one in chosen(ids=["navigation/location"])} == {
        "navigation/location/http",
        "navigation/location/https",
    }
    assert 5 <= len(chosen(quick=True)) <= 40


def test_a_misspelt_choice_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'proxy'"):
        chosen(["prxy"])
    with pytest.raises(InputError, match="no case is in all that was named"):
        chosen(["proxy"], ["url/"])
    with pytest.raises(InputError, match="no case begins so"):
        chosen(ids=["nowhere/at/all"])


def test_the_few_of_the_doctor_are_there_and_count() -> None:
    found = brief()
    assert sorted(one.id for one in found) == sorted(BRIEF)
    assert not any(one.uncounted or one.repeat > 1 for one in found)
    assert len({one.kind for one in found}) >= 5
