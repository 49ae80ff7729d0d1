"""Targets found again: by which means, where, and when not."""

from typing import Any

import pytest
from harness.action import Click, Drag, Move, Press, Scroll, Type, Wait
from harness.clearance import Box, Target
from harness.replay.find import Away, Finder, Found, Lost, place, shifted
from tests.replay.pages import Line, Page, Words, button, deed, field, shot

SAVE = button("Save", 10, 10)
CLICK = deed(Click(x=50, y=20), SAVE)
SCREEN = shot()


def lost(found: object) -> tuple[str, str]:
    assert isinstance(found, Lost), found
    return found.category, found.detail


async def test_what_is_under_the_recorded_point_and_the_same_stays_there() -> None:
    found = await Finder(Page(SAVE), None).find(CLICK, SCREEN)
    assert found == Found("same place", CLICK.action)


async def test_what_moved_is_found_by_its_fingerprint_at_the_like_point() -> None:
    wide = button("Save", 100, 120, width=160, height=40)
    found = await Finder(Page(button("Other", 10, 10, "/other"), wide), None).find(CLICK, SCREEN)
    assert found == Found("fingerprint", Click(x=180, y=140), (130, 120))


@pytest.mark.parametrize(
    "changes", [{"tag": "input"}, {"text": "Save all"}, {"form_action": "https://a.test/save?v=2"}]
)
async def test_what_looks_another_way_and_does_the_same_is_found_by_role_and_name(
    changes: dict[str, Any],
) -> None:
    other = button("Save", 100, 120).model_copy(update=changes)
    found = await Finder(Page(other), None).find(CLICK, SCREEN)
    assert found == Found("role and name", Click(x=140, y=130), (90, 110))


async def test_what_is_called_something_else_is_found_by_its_words_on_the_screen() -> None:
    other = button("Save", 100, 120).model_copy(update={"name": "Keep this"})
    reader = Words(Line("SAVE", Box(x=120, y=124, width=40, height=12)))
    found = await Finder(Page(other), reader).find(CLICK, SCREEN)
    assert found == Found("text on the screen", Click(x=140, y=130), (90, 110))


async def test_words_on_what_does_another_thing_are_not_followed() -> None:
    other = button("Keep", 100, 120, "/delete")
    reader = Words(Line("Save", Box(x=120, y=124, width=40, height=12)))
    category, detail = lost(await Finder(Page(other), reader).find(CLICK, SCREEN))
    assert category == "target changed"
    assert "form was 'https://a.test/save', is 'https://a.test/delete'" in detail


async def test_words_in_running_text_are_not_a_button() -> None:
    text = Target(role="generic", tag="p", text="Save", box=Box(x=100, y=120, width=80, height=20))
    reader = Words(Line("Save", Box(x=120, y=124, width=40, height=12)))
    assert lost(await Finder(Page(text), reader).find(CLICK, SCREEN))[0] == "target missing"


async def test_words_that_are_there_twice_are_not_guessed_at() -> None:
    names = [button(f"Keep {y}", 100, y).model_copy(update={"text": "Save"}) for y in (60, 120)]
    reader = Words(*(Line("Save", Box(x=120, y=y + 4, width=40, height=12)) for y in (60, 120)))
    found = await Finder(Page(*names), reader).find(CLICK, SCREEN)
    assert lost(found) == ("target ambiguous", "'Save' is 2 times on the screen")


async def test_two_equally_good_are_not_guessed_at() -> None:
    page = Page(button("Save", 100, 60), button("Save", 100, 120))
    category, detail = lost(await Finder(page, None).find(CLICK, SCREEN))
    assert (category, detail) == ("target ambiguous", "button 'Save': 2 on the page are equally good")


async def test_of_equal_rows_the_one_in_the_same_place_must_look_like_the_same_row() -> None:
    page = Page(SAVE, button("Save", 10, 60))
    recorded = shot((150, 12, 60, 16), (150, 62, 90, 16))
    swapped = shot((150, 12, 90, 16), (150, 62, 60, 16))
    assert lost(await Finder(page, None).find(CLICK, swapped, recorded.png))[0] == "target ambiguous"
    assert isinstance(await Finder(page, None).find(CLICK, recorded, recorded.png), Found)
    below = shot((150, 12, 60, 16), (150, 62, 30, 16))
    assert isinstance(await Finder(page, None).find(CLICK, below, recorded.png), Found)
    assert lost(await Finder(page, None).find(CLICK, recorded, None))[0] == "target ambiguous"


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (button("Delete", 10, 10), "name was 'Save', is 'Delete'"),
        (button("Delete", 12, 14, "/delete"), "name was 'Save', is 'Delete'; form was"),
        (button("Save", 10, 10, "/delete"), "form was 'https://a.test/save', is 'https://a.test/delete'"),
        (button("Save", 200, 150, "/delete"), "form was 'https://a.test/save', is 'https://a.test/delete'"),
        (
            SAVE.model_copy(update={"role": "link", "href": "https://a.test/x"}),
            "role was 'button', is 'link'",
        ),
    ],
)
async def test_a_label_that_changed_its_meaning_is_never_acted_on(there: Target, said: str) -> None:
    category, detail = lost(await Finder(Page(there), Words()).find(CLICK, SCREEN))
    assert category == "target changed"
    assert said in detail


async def test_what_is_gone_is_missing_and_its_words_may_be_looked_for() -> None:
    found = await Finder(Page(), Words()).find(CLICK, SCREEN)
    assert found == Lost("target missing", "button 'Save' is nowhere on the page", "Save")


async def test_what_is_out_of_view_is_scrolled_to_first() -> None:
    found = await Finder(Page(button("Save", 100, 900)), None).find(CLICK, SCREEN)
    assert found == Away(dy=810)


async def test_what_lies_under_something_else_is_missing() -> None:
    cover = button("Cookies", 90, 110, "/c", width=200, height=60)
    category, detail = lost(await Finder(Page(button("Save", 100, 120), cover), None).find(CLICK, SCREEN))
    assert category == "target missing"
    assert "button 'Cookies' lies over it" in detail


async def test_keys_go_only_where_the_focus_was() -> None:
    name, other = field("Name", 10, 40), field("Card number", 10, 80)
    typed = deed(Type(text="Ada"), name)
    moved = name.model_copy(update={"box": Box(x=90, y=90, width=9, height=9)})
    assert await Finder(Page(focus=moved), None).find(typed, SCREEN) == Found("same place", typed.action)
    category, detail = lost(await Finder(Page(focus=other), None).find(typed, SCREEN))
    assert (category, "is in textbox 'Card number'" in detail) == ("target missing", True)
    assert lost(await Finder(Page(), None).find(typed, SCREEN))[0] == "target missing"


async def test_enter_that_would_press_another_button_has_changed() -> None:
    name = field("Name", 10, 40)
    then, now = (name.model_copy(update={"submitter": button(one, 0, 0)}) for one in ("Save", "Delete"))
    category, detail = lost(
        await Finder(Page(focus=now), None).find(deed(Press(keys=("Enter",)), then), SCREEN)
    )
    assert category == "target changed"
    assert "what Enter presses" in detail


SLIDER, GOAL = button("Card", 10, 10, "/x"), button("Done", 200, 10, "/y")
DRAG = Drag.model_validate({"path": [[50, 20], [145, 20], [240, 20]]})


class Desk(Page):
    """A page on which things are dragged: the target of a drag has its end."""

    async def ground(self, action: Any) -> Target | None:
        found = await super().ground(action)
        if found is None or not isinstance(action, Drag):
            return found
        last = action.path[-1]
        return found.model_copy(update={"end": await super().ground(Move(x=last.x, y=last.y))})


async def test_both_ends_of_a_drag_are_found_and_the_way_between_is_bent() -> None:
    dragged = deed(DRAG, SLIDER.model_copy(update={"end": GOAL}))
    assert await Finder(Desk(SLIDER, GOAL), None).find(dragged, SCREEN) == Found("same place", DRAG)
    page = Desk(button("Card", 10, 110, "/x"), button("Done", 200, 50, "/y"))
    found = await Finder(page, None).find(dragged, SCREEN)
    path = {"path": [[50, 120], [145, 90], [240, 60]]}
    assert found == Found("fingerprint", Drag.model_validate(path), (0, 100))


async def test_a_drag_whose_end_now_means_another_thing_is_not_made() -> None:
    dragged = deed(DRAG, SLIDER.model_copy(update={"end": GOAL}))
    page = Desk(SLIDER, button("Bin", 200, 10, "/delete"))
    category, detail = lost(await Finder(page, None).find(dragged, SCREEN))
    assert (category, "name was 'Done', is 'Bin'" in detail) == ("target changed", True)


async def test_a_dialog_that_was_not_there_is_an_extra_step_and_one_that_is_not_a_missing_one() -> None:
    asked = Target(role="button", name="OK", tag="chrome", dialog="confirm: 'Sure?'", box=SAVE.box)
    category, detail = lost(await Finder(Page(asked), None).find(CLICK, SCREEN))
    assert category == "extra/missing step"
    assert "confirm: 'Sure?' is open" in detail
    answer = deed(CLICK.action, asked)
    assert lost(await Finder(Page(SAVE), None).find(answer, SCREEN))[0] == "extra/missing step"
    assert isinstance(await Finder(Page(asked), None).find(answer, SCREEN), Found)
    typed = deed(Type(text="Ada"), field("Name", 10, 40))
    assert lost(await Finder(Page(focus=asked), None).find(typed, SCREEN))[0] == "extra/missing step"


CANVAS = Target(
    role="generic", tag="canvas", frame_origin="https://a.test", box=Box(x=0, y=0, width=320, height=200)
)


async def test_on_a_canvas_what_is_drawn_at_the_point_must_be_what_was() -> None:
    click = deed(Click(x=60, y=60), CANVAS)
    then, other = shot((50, 50, 20, 20)), shot((200, 150, 20, 20))
    finder = Finder(Page(CANVAS), Words())
    assert isinstance(await finder.find(click, then, then.png), Found)
    assert lost(await finder.find(click, other, then.png))[0] == "page differs"


async def test_on_a_canvas_words_that_moved_are_followed() -> None:
    class Moved(Words):
        def read(self, screenshot: Any) -> Any:
            y = 55 if screenshot.sha256 == then.sha256 else 155
            return (Line("Start", Box(x=45, y=y, width=30, height=10)),)

    click = deed(Click(x=60, y=60), CANVAS)
    then, now = shot((50, 50, 20, 20)), shot((50, 150, 20, 20))
    found = await Finder(Page(CANVAS), Moved()).find(click, now, then.png)
    assert found == Found("text on the screen", Click(x=60, y=160), (0, 100))


async def test_what_has_no_target_needs_none() -> None:
    wait = deed(Wait(seconds=1), None)
    assert await Finder(Page(), None).find(wait, SCREEN) == Found("same place", wait.action)


async def test_a_sandbox_that_cannot_search_still_tells_what_is_in_the_place() -> None:
    class Blind(Page):
        find = None  # type: ignore[assignment]

    assert isinstance(await Finder(Blind(SAVE), None).find(CLICK, SCREEN), Found)
    assert lost(await Finder(Blind(), None).find(CLICK, SCREEN))[0] == "target missing"


def test_an_action_is_put_at_another_place_whole() -> None:
    drag = Drag.model_validate({"path": [[1, 2], [3, 4]]})
    assert place(shifted(drag, (10, 20))) == (11, 22)
    assert shifted(drag, (10, 20)) == Drag.model_validate({"path": [[11, 22], [13, 24]]})
    assert shifted(Scroll(x=1, y=1, dy=5), (1, 1)) == Scroll(x=2, y=2, dy=5)
    assert shifted(Move(x=1, y=1), (1, 1)) == Move(x=2, y=2)
    assert shifted(Wait(), (1, 1)) == Wait()
    assert place(Type(text="x")) is None
