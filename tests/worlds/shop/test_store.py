from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.worlds.shop.goods import CATALOGUE, MOST_OF_ONE, money
from harness.worlds.shop.store import Address, EmptyCartError, OutOfStockError, Store

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ADA = Address("Ada", "1 Street", "London", "SW1Y 4JH", "United Kingdom", "standard", gift_wrap=False)


@pytest.fixture
def store() -> Iterator[Store]:
    one = Store()
    yield one
    one.close()
    one.close()


def test_a_fresh_store_holds_the_catalogue_in_order(store: Store) -> None:
    assert tuple(store.products()) == CATALOGUE
    assert store.orders() == []


def test_what_cannot_be_put_leaves_the_cart_as_it_was(store: Store) -> None:
    store.put("s", "KETTLE", 2, add=True)
    with pytest.raises(OutOfStockError, match="Only 2 left"):
        store.put("s", "KETTLE", 1, add=True)
    with pytest.raises(OutOfStockError, match=f"at most {MOST_OF_ONE}"):
        store.put("s", "SPOON", MOST_OF_ONE + 1, add=False)
    with pytest.raises(KeyError):
        store.put("s", "NOPE", 1, add=True)
    assert [(line.sku, line.quantity) for line in store.cart("s")] == [("KETTLE", 2)]


def test_an_order_that_fails_changes_nothing(store: Store) -> None:
    store.put("first", "KETTLE", 2, add=True)
    store.put("second", "MUG-BLUE", 1, add=True)
    store.put("second", "KETTLE", 1, add=True)
    store.place("first", ADA, NOON)
    before = store.state()
    with pytest.raises(OutOfStockError):
        store.place("second", ADA, NOON)
    assert store.state() == before
    with pytest.raises(EmptyCartError):
        store.place("first", ADA, NOON)


def test_orders_are_numbered_one_after_another(store: Store) -> None:
    numbers = []
    for _ in range(3):
        store.put("s", "SPOON", 1, add=True)
        numbers.append(store.place("s", ADA, NOON))
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert [order.id for order in store.orders("s")] == numbers


def test_state_never_tells_a_session(store: Store) -> None:
    store.put("a-secret-session", "SPOON", 1, add=True)
    store.put("another-secret-session", "SPOON", 1, add=True)
    store.place("another-secret-session", ADA, NOON)
    assert "secret" not in str(store.state())


def test_money_is_written_with_two_decimals() -> None:
    assert [money(cents) for cents in (5, 1250, 123_456_789)] == ["$0.05", "$12.50", "$1,234,567.89"]


def test_a_shop_in_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "shop.sqlite"
    first = Store(file)
    first.put("s", "KETTLE", 2, add=True)
    number = first.place("s", ADA, NOON)
    first.put("s", "MUG-BLUE", 1, add=True)
    # Not closed, as after `kill -9`.
    second = Store(file)
    assert [order.id for order in second.orders("s")] == [number]
    assert [line.sku for line in second.cart("s")] == ["MUG-BLUE"]
    assert len(second.products()) == len(CATALOGUE)
    assert next(one.stock for one in second.products() if one.sku == "KETTLE") == 0
    first.close()
    second.close()
