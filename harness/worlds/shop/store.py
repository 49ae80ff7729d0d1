"""The shop's state: one SQLite database for every run, in memory or in a file that outlives the process."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.worlds.shop.goods import CATALOGUE, DELIVERIES, GIFT_WRAP_CENTS, MOST_OF_ONE, Product

_SCHEMA = """
CREATE TABLE products (
    sku TEXT PRIMARY KEY, title TEXT NOT NULL, category TEXT NOT NULL, price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0), about TEXT NOT NULL, place INTEGER NOT NULL
) STRICT;
CREATE TABLE cart_lines (
    session TEXT NOT NULL, sku TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity > 0), PRIMARY KEY (session, sku)
) STRICT;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL,
    name TEXT NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL,
    country TEXT NOT NULL, delivery TEXT NOT NULL, gift_wrap INTEGER NOT NULL,
    delivery_cents INTEGER NOT NULL, wrap_cents INTEGER NOT NULL, total_cents INTEGER NOT NULL,
    created TEXT NOT NULL
) STRICT;
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders, sku TEXT NOT NULL, title TEXT NOT NULL,
    quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, sku)
) STRICT;
"""
_PRAGMAS = "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
_FIRST_ORDER = 48215
_LISTED = "sku, title, category, price_cents, stock, about"


@dataclass(frozen=True)
class Address:
    """Where an order goes, and how."""

    name: str
    street: str
    city: str
    postcode: str
    country: str
    delivery: str
    gift_wrap: bool


_ADDRESS = tuple(field.name for field in fields(Address))


class Line(NamedTuple):
    """One row of a cart or an order."""

    sku: str
    title: str
    quantity: int
    price_cents: int

    @property
    def total_cents(self) -> int:
        """Price times quantity."""
        return self.quantity * self.price_cents


@dataclass(frozen=True)
class Order:
    """A placed order."""

    id: int
    address: Address
    lines: tuple[Line, ...]
    delivery_cents: int
    wrap_cents: int
    total_cents: int
    created: str


class OutOfStockError(Exception):
    """More was asked for than there is, in words for the customer."""


class EmptyCartError(Exception):
    """There is nothing to order."""


class Store:
    """Products, carts and orders. Every write is one transaction; carts and orders belong to a session."""

    def __init__(self, file: Path | None = None) -> None:
        """Open a shop: fresh and fully stocked, or as a file has it.

        Args:
            file: keeps what was committed, through `kill -9` too; in memory without one.
        """
        self._lock = threading.RLock()
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.executescript(_PRAGMAS)
        with self._writing() as db:
            if db.execute("SELECT 1 FROM sqlite_schema").fetchone():
                return
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.executemany(
                f"INSERT INTO products ({_LISTED}, place) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                [
                    (one.sku, one.title, one.category, one.price_cents, one.stock, one.about, place)
                    for place, one in enumerate(CATALOGUE)
                ],
            )

    def close(self) -> None:
        """Forget everything. Safe to call twice."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: str | int) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def products(self, category: str | None = None, words: str = "") -> list[Product]:
        """List products, of one category if given, that hold every one of the words."""
        query, values = f"SELECT {_LISTED} FROM products WHERE 1", list[str]()  # noqa: S608
        if category is not None:
            query += " AND category = ?"
            values.append(category)
        for word in words.split():
            query += r" AND (title || ' ' || category || ' ' || about || ' ' || sku) LIKE ? ESCAPE '\'"
            literal = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
            values.append(f"%{literal}%")
        return [Product(*row) for row in self._rows(query + " ORDER BY place", *values)]

    def product(self, sku: str) -> Product | None:
        """Find one product."""
        rows = self._rows(f"SELECT {_LISTED} FROM products WHERE sku = ?", sku)  # noqa: S608
        return Product(*rows[0]) if rows else None

    def cart(self, session: str) -> tuple[Line, ...]:
        """Give a session's cart, in the order of the catalogue."""
        return tuple(
            Line(*row)
            for row in self._rows(
                "SELECT sku, title, quantity, price_cents FROM cart_lines JOIN products USING (sku)"
                " WHERE session = ? ORDER BY place",
                session,
            )
        )

    def put(self, session: str, sku: str, quantity: int, *, add: bool) -> None:
        """Set how many of a product are in a cart, or add to it; 0 takes it out.

        Raises:
            KeyError: if there is no such product.
            OutOfStockError: if there is less, or an order may not hold as many.
        """
        with self._writing() as db:
            product = self.product(sku)
            if product is None:
                raise KeyError(sku)
            held = next((line.quantity for line in self.cart(session) if line.sku == sku), 0)
            wanted = quantity + (held if add else 0)
            _in_stock(product, wanted)
            if wanted == 0:
                db.execute("DELETE FROM cart_lines WHERE session = ? AND sku = ?", (session, sku))
            else:
                db.execute(
                    "INSERT INTO cart_lines (session, sku, quantity) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET quantity = excluded.quantity",
                    (session, sku, wanted),
                )

    def place(self, session: str, address: Address, created: datetime) -> int:
        """Turn a cart into an order and give its number: stock, order and cart change together or not at all.

        Raises:
            EmptyCartError: if the cart is empty.
            OutOfStockError: if something was sold meanwhile.
        """
        with self._writing() as db:
            lines = self.cart(session)
            if not lines:
                raise EmptyCartError
            for line in lines:
                product = self.product(line.sku)
                if product is not None:
                    _in_stock(product, line.quantity)
            delivery = next(one.price_cents for one in DELIVERIES if one.name == address.delivery)
            wrap = GIFT_WRAP_CENTS if address.gift_wrap else 0
            total = sum(line.total_cents for line in lines) + delivery + wrap
            number = self._rows("SELECT coalesce(max(id) + 1, ?) FROM orders", _FIRST_ORDER)[0][0]
            db.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (number, session, *asdict(address).values(), delivery, wrap, total, created.isoformat()),
            )
            for line in lines:
                db.execute("INSERT INTO order_lines VALUES (?, ?, ?, ?, ?)", (number, *line))
                db.execute("UPDATE products SET stock = stock - ? WHERE sku = ?", (line.quantity, line.sku))
            db.execute("DELETE FROM cart_lines WHERE session = ?", (session,))
            return int(number)

    def orders(self, session: str | None = None) -> list[Order]:
        """List orders, oldest first: a session's, or all."""
        query = (
            "SELECT id, name, street, city, postcode, country, delivery, gift_wrap,"
            " delivery_cents, wrap_cents, total_cents, created FROM orders"
        )
        if session is None:
            rows = self._rows(query + " ORDER BY id")
        else:
            rows = self._rows(query + " WHERE session = ? ORDER BY id", session)
        return [
            Order(
                row[0],
                Address(**dict(zip(_ADDRESS, (*row[1:7], bool(row[7])), strict=True))),
                self._lines(row[0]),
                *row[8:],
            )
            for row in rows
        ]

    def _lines(self, order: int) -> tuple[Line, ...]:
        rows = self._rows(
            "SELECT sku, title, quantity, price_cents FROM order_lines WHERE order_id = ? ORDER BY rowid",
            order,
        )
        return tuple(Line(*row) for row in rows)

    def state(self) -> dict[str, Any]:
        """Give everything as JSON: products with their stock, carts, orders. Sessions are left out."""
        sessions = self._rows("SELECT DISTINCT session FROM cart_lines ORDER BY session")
        return {
            "products": [
                {
                    "sku": one.sku,
                    "title": one.title,
                    "category": one.category,
                    "price_cents": one.price_cents,
                    "stock": one.stock,
                }
                for one in self.products()
            ],
            "carts": [_listed(self.cart(session)) for (session,) in sessions],
            "orders": [
                {
                    "id": order.id,
                    **asdict(order.address),
                    **_listed(order.lines),
                    "delivery_cents": order.delivery_cents,
                    "wrap_cents": order.wrap_cents,
                    "total_cents": order.total_cents,
                    "created": order.created,
                }
                for order in self.orders()
            ],
        }


def _listed(lines: tuple[Line, ...]) -> dict[str, Any]:
    return {"lines": [line._asdict() for line in lines], "total_cents": sum(one.total_cents for one in lines)}


def _in_stock(product: Product, wanted: int) -> None:
    if wanted > 0 and product.stock == 0:
        raise OutOfStockError(f"{product.title} is out of stock.")
    if wanted > product.stock:
        raise OutOfStockError(f"Only {product.stock} left, and you asked for {wanted}.")
    if wanted > MOST_OF_ONE:
        raise OutOfStockError(f"You can have at most {MOST_OF_ONE}, and you asked for {wanted}.")
