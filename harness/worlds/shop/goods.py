"""What the shop sells, and how it delivers."""

from typing import Literal, NamedTuple

Category = Literal["mugs", "tea", "kitchen", "home"]
CATEGORIES: tuple[Category, ...] = ("mugs", "tea", "kitchen", "home")
"""In the order of the navigation."""


class Product(NamedTuple):
    """One thing on sale."""

    sku: str
    title: str
    category: Category
    price_cents: int
    stock: int
    """How many a fresh shop has."""
    about: str


class Delivery(NamedTuple):
    """One way of sending an order."""

    name: str
    label: str
    days: str
    price_cents: int


CATALOGUE: tuple[Product, ...] = (
    Product("MUG-BLUE", "Blue mug", "mugs", 1250, 24, "Stoneware with a deep blue glaze. Holds 350 ml."),
    Product("MUG-RED", "Red mug", "mugs", 1250, 18, "Stoneware with a warm red glaze. Holds 350 ml."),
    Product(
        "MUG-TRAVEL", "Travel mug", "mugs", 2100, 9, "Steel with a tight lid. Keeps drinks hot for 6 hours."
    ),
    Product("TEA-POT", "Tea pot", "tea", 3400, 7, "White porcelain with a fine spout. Serves four."),
    Product("TEA-GREEN", "Green tea", "tea", 780, 40, "Whole leaves from the spring harvest. 100 g tin."),
    Product("TEA-BREAKFAST", "Breakfast tea", "tea", 640, 52, "Strong and malty. 125 g tin."),
    Product("TEA-STRAINER", "Tea strainer", "tea", 920, 15, "Fine steel mesh that sits on any mug."),
    Product("KETTLE", "Kettle", "kitchen", 4900, 2, "Enamelled steel for every hob. Holds 1.5 litres."),
    Product("BOARD", "Chopping board", "kitchen", 2750, 12, "Solid oak, oiled by hand. 40 by 25 cm."),
    Product("SPOON", "Wooden spoon", "kitchen", 490, 60, "Cherry wood, 30 cm long."),
    Product("HONEY-JAR", "Honey jar", "kitchen", 1100, 20, "Glass with a wooden dipper. Holds 400 g."),
    Product("CANDLE", "Candle", "home", 850, 33, "Beeswax. Burns for 30 hours."),
    Product("LAMP", "Table lamp", "home", 5800, 0, "Linen shade on a turned oak foot."),
    Product("CUSHION", "Cushion", "home", 2300, 11, "Washed linen with a feather filling. 45 cm."),
    Product("PLANT-POT", "Plant pot", "home", 1650, 14, "Terracotta with a saucer. 18 cm across."),
)

DELIVERIES: tuple[Delivery, ...] = (
    Delivery("standard", "Standard", "in 3 to 5 days", 0),
    Delivery("express", "Express", "next working day", 650),
)
GIFT_WRAP_CENTS = 300
MOST_OF_ONE = 20
"""How many of one product an order may hold."""

COUNTRIES: tuple[str, ...] = (
    "Austria",
    "Canada",
    "France",
    "Germany",
    "Ireland",
    "Japan",
    "United Kingdom",
    "United States",
)


def money(cents: int) -> str:
    """Write an amount as people read it, such as `$12.50`."""
    return f"${cents // 100:,}.{cents % 100:02d}"
