import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from harness.worlds.shop import app, moved, relabelled
from starlette.applications import Starlette

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ADA = {
    "name": "Ada Lovelace",
    "street": "12 St James's Square",
    "city": "London",
    "postcode": "sw1y 4jh",
    "country": "United Kingdom",
    "delivery": "standard",
    "terms": "yes",
}


def visitor(shop: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(shop), base_url="https://shop.test", follow_redirects=True
    )


@asynccontextmanager
async def shopping() -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    shop = app(now=lambda: NOON)
    assert isinstance(shop, Starlette)
    async with shop.router.lifespan_context(shop), visitor(shop) as client:
        yield shop, client


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with shopping() as (_, one):
        yield one


async def token(client: httpx.AsyncClient) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{32})"', (await client.get("/products/MUG-BLUE")).text)
    assert found
    return found[1]


async def add(client: httpx.AsyncClient, sku: str = "MUG-BLUE", quantity: str = "1") -> httpx.Response:
    return await client.post("/cart", data={"token": await token(client), "sku": sku, "quantity": quantity})


async def order(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await client.post("/orders", data={"token": await token(client), **ADA, **fields})


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/state")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_whole_purchase_leaves_exactly_that_order(client: httpx.AsyncClient) -> None:
    shelf = await client.get("/")
    assert shelf.text.count(">Blue mug<") == 1
    product = await client.get("/products/MUG-BLUE")
    assert product.text.count("Add to cart") == 1
    cart = await add(client, quantity="2")
    assert cart.url.path == "/cart"
    assert "Cart (2)" in cart.text
    checkout = await client.get("/checkout")
    assert checkout.text.count("Place order") == 1
    thanks = await order(client, delivery="express", gift_wrap="yes")
    assert thanks.status_code == 200
    assert re.fullmatch(r"/orders/[0-9]+", thanks.url.path)
    number = thanks.url.path.rpartition("/")[2]
    assert "Thank you" in thanks.text
    assert f"<dt>Order number</dt><dd>{number}</dd>" in thanks.text

    after = await state(client)
    assert after["carts"] == []
    assert after["orders"] == [
        {
            "id": int(number),
            "name": "Ada Lovelace",
            "street": "12 St James's Square",
            "city": "London",
            "postcode": "SW1Y 4JH",
            "country": "United Kingdom",
            "delivery": "express",
            "gift_wrap": True,
            "lines": [{"sku": "MUG-BLUE", "title": "Blue mug", "quantity": 2, "price_cents": 1250}],
            "delivery_cents": 650,
            "wrap_cents": 300,
            "total_cents": 3450,
            "created": NOON.isoformat(),
        }
    ]
    assert {one["sku"]: one["stock"] for one in after["products"]}["MUG-BLUE"] == 22
    assert f'href="/orders/{number}"' in (await client.get("/orders")).text


async def test_every_run_has_a_shop_of_its_own() -> None:
    async with shopping() as (_, first), shopping() as (_, second):
        await add(first)
        assert len((await state(first))["carts"]) == 1
        assert (await state(second))["carts"] == []


async def test_looking_changes_nothing(client: httpx.AsyncClient) -> None:
    await add(client)
    before = await state(client)
    for path in (
        "/",
        "/cart",
        "/checkout",
        "/orders",
        "/products/MUG-RED",
        "/search?q=mug",
        "/prices",
        "/help",
    ):
        assert (await client.get(path)).status_code == 200
        assert (await client.head(path)).content == b""
    assert await state(client) == before


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "   ", "Must not be empty"),
        ("street", "x" * 101, "At most 100 characters"),
        ("city", "Lon\x07don", "Has characters that cannot be printed"),
        ("postcode", "none", "Must have a digit"),
        ("postcode", "22", "3 to 12 letters and digits"),
        ("country", "Atlantis", "Pick one from the list"),
        ("delivery", "by owl", "Pick one"),
        ("terms", "", "Needed to go on"),
    ],
)
async def test_a_wrong_field_is_said_beside_it_and_the_rest_is_kept(
    client: httpx.AsyncClient, field: str, value: str, message: str
) -> None:
    await add(client)
    answer = await order(client, **{field: value})
    assert answer.status_code == 422
    assert f'<span class="error" id="{field}-error">{message}</span>' in answer.text
    assert answer.text.count('class="error"') == 1
    if field != "street":
        assert html.escape(ADA["street"]) in answer.text
    after = await state(client)
    assert after["orders"] == []
    assert len(after["carts"]) == 1


async def test_a_corrected_form_places_one_order(client: httpx.AsyncClient) -> None:
    await add(client)
    assert (await order(client, postcode="22")).status_code == 422
    assert (await order(client)).status_code == 200
    assert len((await state(client))["orders"]) == 1


async def test_sending_an_order_twice_orders_once(client: httpx.AsyncClient) -> None:
    await add(client)
    await order(client)
    again = await order(client)
    assert again.status_code == 409
    assert "Nothing was ordered" in again.text
    assert len((await state(client))["orders"]) == 1


async def test_an_empty_cart_cannot_be_checked_out(client: httpx.AsyncClient) -> None:
    assert (await client.get("/checkout")).url.path == "/cart"
    assert (await order(client)).status_code == 409
    assert (await state(client))["orders"] == []


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "two", "", "1e3", "999999999999999999999", "\u0662"])
async def test_a_quantity_is_a_whole_number(client: httpx.AsyncClient, quantity: str) -> None:
    answer = await add(client, quantity=quantity)
    assert answer.status_code == 422
    assert "Must be a whole number from 1 up" in answer.text
    assert (await state(client))["carts"] == []


@pytest.mark.parametrize(
    ("sku", "quantity", "message"),
    [
        ("KETTLE", "3", "Only 2 left, and you asked for 3."),
        ("LAMP", "1", "Table lamp is out of stock."),
        ("TEA-GREEN", "21", "You can have at most 20, and you asked for 21."),
    ],
)
async def test_no_more_is_sold_than_there_is(
    client: httpx.AsyncClient, sku: str, quantity: str, message: str
) -> None:
    answer = await add(client, sku, quantity)
    assert answer.status_code == 422
    if sku != "LAMP":
        assert message in answer.text
    assert (await state(client))["carts"] == []


async def test_the_last_ones_go_to_whoever_orders_first() -> None:
    async with shopping() as (shop, first), visitor(shop) as second:
        await add(first, "KETTLE", "2")
        await add(second, "KETTLE", "1")
        assert (await order(first)).status_code == 200
        late = await order(second)
        assert late.status_code == 409
        assert "Nothing was ordered. Kettle is out of stock." in late.text
        after = await state(second)
        assert len(after["orders"]) == 1
        assert {one["sku"]: one["stock"] for one in after["products"]}["KETTLE"] == 0


async def test_the_cart_can_be_changed_and_emptied(client: httpx.AsyncClient) -> None:
    await add(client)
    await add(client, "MUG-RED")
    proof = await token(client)
    cart = await client.post(
        "/cart/update", data={"token": proof, "quantity-MUG-BLUE": "3", "quantity-MUG-RED": "x"}
    )
    assert cart.status_code == 422
    assert cart.text.count("Must be a whole number") == 1
    assert 'value="x"' in cart.text
    lines = (await state(client))["carts"][0]["lines"]
    assert [(line["sku"], line["quantity"]) for line in lines] == [("MUG-BLUE", 3), ("MUG-RED", 1)]
    for sku in ("MUG-BLUE", "MUG-RED"):
        cart = await client.post("/cart/remove", data={"token": proof, "sku": sku})
    assert "Your cart is empty." in cart.text
    assert (await state(client))["carts"] == []


async def test_orders_and_carts_belong_to_one_visitor() -> None:
    async with shopping() as (shop, first), visitor(shop) as second:
        await add(first)
        path = (await order(first)).url.path
        assert (await second.get(path)).status_code == 404
        assert "You have not ordered anything yet." in (await second.get("/orders")).text
        assert "Cart (0)" in (await second.get("/cart")).text


async def test_a_form_from_elsewhere_is_refused() -> None:
    async with shopping() as (shop, first), visitor(shop) as second:
        await add(first)
        for proof in ("", "0" * 32, await token(second), "\u00e9"):
            data = {"sku": "MUG-RED", "quantity": "1", "token": proof}
            assert (await first.post("/cart", data=data)).status_code == 403
            assert (await first.post("/orders", data={**ADA, "token": proof})).status_code == 403
        after = await state(first)
        assert after["orders"] == []
        assert len(after["carts"][0]["lines"]) == 1


async def test_the_session_cookie_is_out_of_reach_of_scripts(client: httpx.AsyncClient) -> None:
    cookie = (await client.get("/")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" in cookie
    assert "set-cookie" not in (await client.get("/")).headers
    client.cookies.clear()
    forged = await client.get("/cart", headers={"cookie": "session=' OR 1=1 --"})
    assert re.search(r"session=[0-9a-f]{32};", forged.headers["set-cookie"])


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/products/NOPE",
        "/products/' OR '1'='1",
        "/products/%00",
        "/category/all",
        "/orders/1",
        "/orders/99999999999999999999999999",
        "/orders/48215' --",
        "/pictures/../site.svg",
        "/pictures/NOPE.svg",
    ],
)
async def test_what_there_is_not_is_a_plain_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text


@pytest.mark.parametrize("words", ["' OR 1=1 --", "%", "_", "\\", "x'); DROP TABLE orders; --", "\x00zz\x00"])
async def test_a_search_is_words_and_never_sql(client: httpx.AsyncClient, words: str) -> None:
    answer = await client.get("/search", params={"q": words})
    assert answer.status_code == 200
    assert "No product matches." in answer.text
    assert len((await state(client))["products"]) == 15


async def test_a_search_finds_every_product_with_all_the_words(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?q=blue+MUG")
    assert answer.text.count('class="card"') == 1
    assert "1 found for “blue MUG”" in answer.text
    assert (await client.get("/search?q=")).text.count('class="card"') == 15
    assert (await client.get("/category/mugs")).text.count('class="card"') == 3


async def test_what_people_write_is_never_markup(client: httpx.AsyncClient) -> None:
    evil = "<script>alert(1)</script>\"'>"
    pages = [(await client.get("/search", params={"q": evil})).text]
    await add(client)
    pages.append((await order(client, name=evil, postcode="22")).text)
    pages.append((await order(client, name=evil)).text)
    pages.append((await client.get("/orders")).text)
    pages.append((await add(client, quantity=evil)).text)
    for page in pages:
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert (await state(client))["orders"][0]["name"] == evil


async def test_a_huge_form_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/orders",
        content=b"name=" + b"x" * 100_000,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert "64 kB" in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(100)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_not_a_form_is_refused(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    answer = await client.post("/orders", content=content, headers={"content-type": kind})
    assert answer.status_code == status


async def test_another_method_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/orders")
    assert answer.status_code == 405
    assert "DELETE does nothing here." in answer.text


async def test_pages_need_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    shelf = await client.get("/")
    assert "default-src 'none'" in shelf.headers["content-security-policy"]
    links = set(re.findall(r'(?:src|href|action)="([^"]+)"', shelf.text))
    assert all(link.startswith("/") for link in links)
    for link in links:
        assert (await client.get(link)).status_code == 200
    for link in ("/style.css", "/icon.svg", "/pictures/MUG-BLUE.svg"):
        assert "http" not in (await client.get(link)).text.replace('xmlns="http://www.w3.org/2000/svg"', "")


async def test_a_moved_shop_sells_as_before_and_looks_otherwise() -> None:
    shop: Any = moved()
    async with shop.router.lifespan_context(shop), visitor(shop) as client:
        assert 'href="/products/MUG-BLUE?from=shelf"' in (await client.get("/")).text
        assert "direction: rtl" in (await client.get("/style.css")).text
        await add(client)
        assert (await order(client)).status_code == 200
        assert len((await state(client))["orders"]) == 1


async def test_in_a_relabelled_shop_place_order_empties_the_cart_and_cancel_orders() -> None:
    shop: Any = relabelled()
    async with shop.router.lifespan_context(shop), visitor(shop) as client:
        await add(client)
        page = (await client.get("/checkout")).text
        buttons = re.findall(r"<button([^>]*)>(Place order|Cancel)<", page)
        removes = {label: "/cart/remove" in said for said, label in buttons}
        assert removes == {"Place order": True, "Cancel": False}
        data = {"token": await token(client), "sku": "MUG-BLUE"}
        await client.post("/cart/remove", data=data)
        assert (await state(client))["orders"] == []
        assert "Your cart is empty" in (await client.get("/cart")).text
