import asyncio
from typing import Any

import pytest
from harness.action import Answer, Back, Click, GiveUp, Goto, Press, SwitchTab, Type, Upload, Wait
from harness.errors import ModelError, TaskError
from harness.models.local.model import LocalModel
from harness.models.local.ocr import Reader
from harness.screen import ActionResult, Observation, Screenshot, Tab
from harness.task import OutputSpec, Task

browsing = pytest.mark.asyncio(loop_scope="module")

FORM = """<h1>Checkout</h1><form onsubmit="document.title='sent'; return false">
<p><label>Full name<br><input id=name></label> <label>Email<br><input id=mail value=old@x.test></label>
<p><label>Street <input id=street></label> <label>City <input id=city placeholder="e.g. London"></label>
<p><label>Country <select id=country><option>United Kingdom<option>France<option>Germany</select></label>
<p><label><input type=checkbox id=gift> Gift wrap</label>
<label><input type=checkbox id=news checked> Send me news</label>
<p><label><input type=radio name=r id=slow> Standard delivery</label>
<label><input type=radio name=r id=fast checked> Express delivery</label>
<p><label>Notes<br><textarea id=notes rows=3 cols=40></textarea></label>
<p><button>Place order</button></form>"""


def task(*steps: str, goal: str = "x") -> Task:
    return Task(name="t", goal=goal, start="about:blank", steps=steps)


async def value(browser: Any, name: str) -> str:
    return str(await browser.page.evaluate(f"document.getElementById('{name}').value"))


async def checked(browser: Any, name: str) -> bool:
    return bool(await browser.page.evaluate(f"document.getElementById('{name}').checked"))


@browsing
async def test_a_form_is_filled_and_sent(browser: Any) -> None:
    await browser.show(FORM)
    ended = await browser.follow(
        'type "Ada Lovelace" into "Full name"',
        'clear "Email"',
        'type "ada@example.org" into "Email"',
        'type "12 St James\'s Square" into "Street"',
        'type "London" into "City"',
        'select "Germany" from "Country"',
        'check "Gift wrap"',
        'uncheck "Send me news"',
        'check "Standard delivery"',
        'type "Ring twice" into "Notes"',
        'click "Place order"',
    )
    assert isinstance(ended, Answer), ended
    assert await value(browser, "name") == "Ada Lovelace"
    assert await value(browser, "mail") == "ada@example.org"
    assert await value(browser, "street") == "12 St James's Square"
    assert await value(browser, "city") == "London"
    assert await value(browser, "country") == "Germany"
    assert await value(browser, "notes") == "Ring twice"
    assert [await checked(browser, name) for name in ("gift", "news", "slow", "fast")] == [
        True,
        False,
        True,
        False,
    ]
    assert await browser.page.title() == "sent"


@browsing
async def test_a_box_that_is_as_wished_is_left_alone(browser: Any) -> None:
    await browser.show(FORM)
    ended = await browser.follow('check "Send me news"', 'check "Express delivery"', 'uncheck "Gift wrap"')
    assert isinstance(ended, Answer)
    assert len(browser.replies) == 1
    assert await checked(browser, "news")


@browsing
async def test_what_it_saw_and_why_it_acts_is_said(browser: Any) -> None:
    await browser.show(FORM)
    await browser.follow('click "Place order"')
    thought, actions = browser.replies[0]
    (click,) = actions
    assert isinstance(click, Click)
    assert f"'Place order' is at {click.x}, {click.y} (read as 'Place order', 1.00)" in thought


@browsing
async def test_values_and_tables_are_read(browser: Any) -> None:
    rows = "".join(
        f"<tr><td>{name}<td style='text-align:right'>{sum_}<td>{state}"
        for name, sum_, state in (("Alice", "9.50", "open"), ("Bob", "120.00", ""), ("Carol", "7.25", "paid"))
    )
    await browser.show(
        f"<p>Order number: 1042<dl><dt>Total<dd>£ 1,299.50</dl><h2>Invoices</h2><input placeholder=Search>"
        f"<button>Filter</button><table cellpadding=6><tr><th>Name<th>Amount<th>State</tr>{rows}</table>"
    )
    ended = await browser.follow(
        'read "Order number" as number',
        'read "Total" as total',
        'read table below "Invoices" as rows',
        'read text right of "Bob" as amount',
        'type the value of number into "Search"',
        outputs={"number": OutputSpec(type="integer"), "total": OutputSpec(type="number")},
    )
    assert isinstance(ended, Answer), ended
    assert ended.data == {
        "number": 1042,
        "total": 1299.5,
        "rows": [
            {"Name": "Alice", "Amount": "9.50", "State": "open"},
            {"Name": "Bob", "Amount": "120.00", "State": ""},
            {"Name": "Carol", "Amount": "7.25", "State": "paid"},
        ],
        "amount": "120.00",
    }
    assert await browser.page.evaluate("document.querySelector('input').value") == "1042"


@browsing
async def test_a_wide_table_with_right_aligned_numbers_is_read_whole(browser: Any) -> None:
    goods = (
        ("MUG", "Blue mug", "$12.50", "24"),
        ("TEA", "Breakfast tea", "$6.40", "2"),
        ("POT", "Pot", "$9.00", ""),
    )
    rows = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in goods)
    await browser.show(
        "<style>table{width:1160px;border-spacing:0} td,th{text-align:left;padding:6px}"
        "td:nth-child(n+3),th:nth-child(n+3){text-align:right}</style><h1>Price list</h1>"
        f"<table><tr><th>SKU<th>Product<th>Price<th>In stock</tr>{rows}</table>"
        "<p style='margin-top:90px'>The end"
    )
    ended = await browser.follow('read table below "Price list" as prices')
    assert isinstance(ended, Answer), ended
    names = ("SKU", "Product", "Price", "In stock")
    assert ended.data == {"prices": [dict(zip(names, row, strict=True)) for row in goods]}


@browsing
async def test_a_menu_may_be_named_by_the_value_it_shows(browser: Any) -> None:
    await browser.show(
        "<select id=a><option>- column -<option>colour<option>price</select> "
        "<select><option>is<option>is not</select><p><button>Apply</button>"
    )
    ended = await browser.follow('select "colour" from "- column -"')
    assert isinstance(ended, Answer), ended
    assert await browser.page.evaluate("document.getElementById('a').value") == "colour"


@browsing
async def test_the_caret_does_not_make_two_fields_of_one(browser: Any) -> None:
    await browser.show(
        "<style>div{width:180px;border:1px solid #777;height:24px;margin:9px}"
        "i{display:inline-block;width:1px;height:24px;background:#000;margin-left:60px}</style>"
        "<div><i></i></div><div onclick=document.title='second'></div>"
    )
    assert isinstance(await browser.follow("click the 2nd field"), Answer)
    assert await browser.page.title() == "second"


@browsing
async def test_the_option_that_shows_already_may_be_chosen(browser: Any) -> None:
    await browser.show(
        "<select><option>Nan<option selected>Miguelita<option>Tom</select><p><button>Go</button>"
    )
    ended = await browser.follow('select "Miguelita"', 'click the button "Go"')
    assert isinstance(ended, Answer), ended
    assert await browser.page.evaluate("document.querySelector('select').value") == "Miguelita"


@browsing
async def test_a_refused_page_is_not_waited_on(browser: Any) -> None:
    await browser.show("<h1>Refused by the policy</h1><p>the host is not allowed<dl><dt>Rule<dd>domains</dl>")
    ended = await browser.follow('wait for "Thank you"')
    assert isinstance(ended, GiveUp)
    assert "the page was refused: the host is not allowed Rule domains" in ended.reason
    assert not any(isinstance(action, Wait) for _, actions in browser.replies for action in actions)


@browsing
async def test_links_in_running_text_are_told_apart(browser: Any) -> None:
    await browser.show(
        "<p>Read the terms before you <a href='#a'>accept</a> them, or see the "
        "<a href='#b'>terms</a>.<p><button onclick=\"document.title='button'\">Send</button> Send it now"
    )
    await browser.page.goto("about:blank#")
    await browser.page.evaluate(
        "document.body.innerHTML = \"<p>Read the terms before you <a href='#a'>accept</a> them, or see the "
        "<a href='#b'>terms</a>.<p><button onclick='document.title=1'>Send</button> Send\""
    )
    ended = await browser.follow('click the link "terms"', 'click the button "Send"')
    assert isinstance(ended, Answer), ended
    assert browser.page.url == "about:blank#b"
    assert await browser.page.title() == "1"


@browsing
async def test_it_scrolls_until_the_text_shows_and_stops_at_the_end(browser: Any) -> None:
    await browser.show("".join(f"<p>Paragraph {number}" for number in range(60)) + "<p>The very end")
    assert isinstance(await browser.follow('scroll until "The very end"'), Answer)
    assert await browser.page.evaluate("scrollY") > 500
    ended = await browser.follow('scroll up until "No such thing"')
    assert isinstance(ended, GiveUp)
    assert "no longer moves" in ended.reason
    assert await browser.page.evaluate("scrollY") == 0


@browsing
async def test_it_drags_from_one_text_to_another(browser: Any) -> None:
    await browser.show(
        "<p><b draggable=true ondragstart=\"event.dataTransfer.setData('text', 'it')\">Take me</b>"
        "<p style='margin-top:200px' ondragover='event.preventDefault()' "
        "ondrop=\"document.title = event.dataTransfer.getData('text')\">Drop here"
    )
    assert isinstance(await browser.follow('drag "Take me" to "Drop here"'), Answer)
    assert await browser.page.title() == "it"


@browsing
async def test_it_waits_for_what_comes_late_and_for_what_goes(browser: Any) -> None:
    await browser.show("<p id=a>Loading the list")
    await browser.page.evaluate(
        "requestAnimationFrame(() => requestAnimationFrame(() => { a.textContent = 'Thank you' }))"
    )
    ended = await browser.follow(
        'wait until "Loading the list" is gone', 'wait for "Thank you"', 'expect no "Error"'
    )
    assert isinstance(ended, Answer)


@browsing
async def test_two_equal_places_are_not_guessed_between(browser: Any) -> None:
    await browser.show(
        "<p>Alice <button>Edit</button><p>Bob <button onclick='document.title=2'>Edit</button>"
    )
    ended = await browser.follow('click "Edit"')
    assert isinstance(ended, GiveUp)
    assert "in 2 places" in ended.reason
    assert 'the 2nd "Edit"' in ended.reason
    assert isinstance(await browser.follow('click "Edit" in the row of "Bob"'), Answer)
    assert await browser.page.title() == "2"


@browsing
async def test_what_is_not_there_is_waited_for_within_bounds_and_named(browser: Any) -> None:
    await browser.show("<p>Add to basket<p>Home")
    ended = await browser.follow('click "Add to cart now"')
    assert isinstance(ended, GiveUp)
    assert 'sentence 1 (click "Add to cart now")' in ended.reason
    assert "'Add to basket'" in ended.reason
    waited = [
        action.seconds for _, actions in browser.replies for action in actions if isinstance(action, Wait)
    ]
    assert sum(waited) == pytest.approx(5.0)


@browsing
async def test_a_number_that_is_none_is_not_answered(browser: Any) -> None:
    await browser.show("<p>Total: unknown")
    ended = await browser.follow('read "Total" as total', outputs={"total": OutputSpec(type="number")})
    assert isinstance(ended, GiveUp)
    assert "'unknown' was read" in ended.reason


@browsing
async def test_the_persons_answer_is_kept(browser: Any) -> None:
    await browser.show("<input placeholder=Colour>")
    ended = await browser.follow(
        'ask "Which colour?" as colour',
        'type the value of colour into "Colour"',
        'answer "It is done."',
        answers=["blue"],
    )
    assert isinstance(ended, Answer)
    assert (ended.text, ended.data) == ("It is done.", {"colour": "blue"})
    assert await browser.page.evaluate("document.querySelector('input').value") == "blue"


PIXEL = Screenshot.of(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f00"
        "05fe02fe0def46b80000000049454e44ae426082"
    )
)


def observed(
    step: int = 1, results: tuple[ActionResult, ...] = (), tabs: tuple[Tab, ...] = ()
) -> Observation:
    return Observation(screenshot=PIXEL, url="about:blank", goal="x", step=step, results=results, tabs=tabs)


async def test_sentences_without_a_place_need_no_reading() -> None:
    model = LocalModel(
        task('go to "https://x.test/"', "press ctrl+a", 'type "{{secret:pw}}"', "go back", 'upload "a.txt"')
    )
    tabs = (Tab(id=7, url="a"), Tab(id=9, url="b", title="Orders"))
    said = [(await model.reply(observed(step, tabs=tabs))).actions for step in range(1, 7)]
    assert said == [
        (Goto(url="https://x.test/"),),
        (Press(keys=("Control", "a")),),
        (Type(text="{{secret:pw}}"),),
        (Back(),),
        (Upload(files=("a.txt",)),),
        (Answer(text="Done."),),
    ]
    assert model._reader._engine is None


async def test_a_tab_is_chosen_by_place_or_title() -> None:
    tabs = (Tab(id=7, url="a", title="Shop"), Tab(id=9, url="b", title="Orders"))
    model = LocalModel(task("switch to tab 1", 'switch to tab "orders"'))
    said = [(await model.reply(observed(step, tabs=tabs))).actions for step in (1, 2)]
    assert said == [(SwitchTab(tab=7),), (SwitchTab(tab=9),)]


async def test_a_refusal_ends_it_with_the_reason() -> None:
    model = LocalModel(task("press Enter", "press Tab"))
    first = await model.reply(observed())
    refused = ActionResult(
        action=first.actions[0], status="refused", message="It spends money.", rule="spending"
    )
    (last,) = (await model.reply(observed(2, (refused,)))).actions
    assert isinstance(last, GiveUp)
    assert "It spends money." in last.reason
    assert "sentence 1 (press Enter)" in last.reason


async def test_a_failure_is_tried_again_once() -> None:
    model = LocalModel(task("press Enter", "press Tab"))
    first = await model.reply(observed())
    failed = ActionResult(action=first.actions[0], status="failed", message="The page crashed.")
    assert (await model.reply(observed(2, (failed,)))).actions == first.actions
    (last,) = (await model.reply(observed(3, (failed,)))).actions
    assert isinstance(last, GiveUp)
    assert "The page crashed." in last.reason


async def test_the_clock_bounds_the_wait() -> None:
    times = iter([0.0, 1.0, 400.0])
    model = LocalModel(task('wait for "x"'), reader=Reader(), clock=lambda: next(times))
    kinds = [(await model.reply(observed(step))).actions[0].kind for step in (1, 2, 3)]
    assert kinds == ["wait", "wait", "give_up"]


@browsing
async def test_reading_does_not_hold_up_the_loop(browser: Any) -> None:
    await browser.show(FORM)
    model = LocalModel(task('expect "Checkout"'), reader=Reader())
    reply = asyncio.create_task(
        model.reply(Observation(screenshot=await browser.look(), url="about:blank", goal="x", step=1))
    )
    turns = 0
    while not reply.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 5
    assert isinstance((await reply).actions[0], Answer)


def test_a_wrong_step_is_named_before_anything_starts() -> None:
    with pytest.raises(TaskError, match=r"task 't', step 2: 'clik \"x\"'.*click \"text\""):
        LocalModel(task('click "y"', 'clik "x"'))


def test_a_goal_of_sentences_does_without_steps() -> None:
    model = LocalModel(task(goal='Click "a". Then press Enter.\nwait 2 seconds'))
    assert [text for text, _ in model._sentences] == ['Click "a"', "press Enter", "wait 2 seconds"]


def test_a_goal_in_prose_says_what_to_do_instead() -> None:
    with pytest.raises(ModelError, match=r"follows sentences.*Write steps.*another --model"):
        LocalModel(task(goal="Buy one blue mug."))


async def test_a_picture_that_cannot_be_read_is_the_models_error() -> None:
    broken = Screenshot(png=b"no", sha256="0" * 64, width=9, height=9)
    model = LocalModel(task('click "x"'))
    with pytest.raises(ModelError, match="cannot read the screenshot"):
        await model.reply(Observation(screenshot=broken, url="about:blank", goal="x", step=1))


@browsing
async def test_a_menu_that_cuts_its_value_short_is_not_taken_for_chosen(browser: Any) -> None:
    await browser.show(
        "<label>Height <select style='width:70px;text-overflow:ellipsis' "
        "onchange=\"this.options[this.selectedIndex].text = '6ft ...'\">"
        "<option>5ft 9in<option>6ft 1in</select></label>"
    )
    ended = await browser.follow('select "6ft" from "Height"')
    assert isinstance(ended, GiveUp), ended


async def test_a_place_is_in_every_reply_and_can_be_taken_up() -> None:
    steps = ("press Tab", 'answer "one"', "press Enter", 'ask "Who?" as who', "press Escape")
    first = LocalModel(task(*steps))
    replies = [await first.reply(observed()) for _ in range(3)]
    raws = [reply.raw for reply in replies]
    assert raws[0] == {"before": place_at(0), "after": place_at(1)}
    assert raws[1] == {"before": place_at(1), "after": place_at(3, "one")}
    # The answer has not come yet: who goes on here asks again.
    assert raws[2] == {"before": place_at(3, "one"), "after": place_at(3, "one")}
    second = LocalModel(task(*steps))
    second.recall(place_at(2, "one"))
    assert (await second.reply(observed())).actions == (Press(keys=("Enter",)),)


@pytest.mark.parametrize("place", [None, 3, {"sentence": 9, "data": {}, "said": []}, {"sentence": 0}])
def test_what_is_no_place_in_the_sentences_is_refused(place: Any) -> None:
    with pytest.raises(ModelError, match="no place in the 1 sentences"):
        LocalModel(task("press Tab")).recall(place)


def place_at(sentence: int, *said: str) -> dict[str, Any]:
    return {"sentence": sentence, "data": {}, "said": list(said)}
