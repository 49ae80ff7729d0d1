"""The shop's pages."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from harness.worlds.shop.goods import (
    CATEGORIES,
    COUNTRIES,
    DELIVERIES,
    GIFT_WRAP_CENTS,
    MOST_OF_ONE,
    Category,
    Product,
    money,
)
from harness.worlds.shop.markup import Markup, fill, joined
from harness.worlds.shop.store import Line, Order

NAME = "Hearth &amp; Leaf"


Layout = Literal["usual", "moved"]
"""`moved`: the same controls in other places, sizes and orders, some marked up in another way."""
Labels = Literal["usual", "changed"]
"""`changed`: at the checkout, "Cancel" places the order, and "Place order" takes a thing out of the cart."""


class View(NamedTuple):
    """What every page of one visitor needs."""

    items: int
    """How many things are in the cart."""
    token: str
    """What a form sends back to show that this shop made it."""
    words: str = ""
    """What was searched for."""
    layout: Layout = "usual"
    """Where things are."""
    labels: Labels = "usual"
    """What buttons say."""


_PAGE = (
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} &ndash; """
    + NAME
    + """</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="top"><div class="wide">
<a class="brand" href="/"><img src="/icon.svg" alt="">"""
    + NAME
    + """</a>
<form class="search" action="/search" role="search">
<label for="q">Search for</label><input type="search" id="q" name="q" maxlength="80" value="{words}">
<button>Find</button>
</form>
<nav aria-label="Shop"><a href="/prices">Prices</a><a href="/orders">Orders</a><a href="/help">Help</a>
<a href="/cart">Cart ({items})</a></nav>
</div></header>
<main class="wide{kind}">{body}</main>
<footer class="wide">A made-up shop for trying out agents. Nothing is charged and nothing is sent.</footer>
</body>
</html>
"""
)


def _page(view: View, title: str, body: Markup, kind: str = "") -> str:
    return fill(
        _PAGE, title=title, words=view.words, items=view.items, body=body, kind=f" {kind}" if kind else ""
    )


def _token(view: View) -> Markup:
    return fill('<input type="hidden" name="token" value="{token}">', token=view.token)


def catalogue(view: View, products: Sequence[Product], *, category: Category | None, heading: str) -> str:
    """The shelf: all products, one category, or what a search found."""
    kinds = joined(
        fill(
            '<a href="{href}"{current}>{label}</a>',
            href="/" if kind is None else f"/category/{kind}",
            current=Markup(' aria-current="page"' if kind == category and not view.words else ""),
            label="All" if kind is None else kind.capitalize(),
        )
        for kind in (None, *CATEGORIES)
    )
    cards = joined(
        fill(
            '<li><a class="card" href="/products/{sku}{origin}"><img src="/pictures/{sku}.svg" alt="">'
            "<div><b>{title}</b><span{gone}>{price}</span></div></a></li>",
            sku=one.sku,
            origin="?from=shelf" if view.layout == "moved" else "",
            title=one.title,
            gone=Markup("" if one.stock else ' class="gone"'),
            price=money(one.price_cents) if one.stock else "Sold out",
        )
        for one in products
    )
    shelf = (
        fill('<ul class="grid">{cards}</ul>', cards=cards)
        if cards
        else Markup("<p>No product matches. Try a shorter word, or look through a category.</p>")
    )
    found = fill("<h1>{heading}</h1>", heading=heading) if heading else Markup()
    body = fill(
        '<nav class="kinds" aria-label="Categories">{kinds}</nav>{found}{shelf}',
        kinds=kinds,
        found=found,
        shelf=shelf,
    )
    return _page(view, heading or "All products", body, "shelf")


def product(view: View, one: Product, error: str = "", quantity: str = "1") -> str:
    """One product, with how many to put into the cart."""
    buy = fill(
        '<form method="post" action="/cart">{token}<input type="hidden" name="sku" value="{sku}">'
        '<p><label for="quantity"><b>Quantity</b></label> <span class="error" role="alert">{error}</span></p>'
        '<div class="row"><input type="number" id="quantity" name="quantity" value="{quantity}" min="1"'
        ' max="{most}" required{invalid}><button{spoken}>Add to cart</button></div></form>',
        spoken=Markup(' aria-label="Put it into your cart"' if view.layout == "moved" else ""),
        token=_token(view),
        sku=one.sku,
        error=error,
        quantity=quantity,
        most=min(one.stock, MOST_OF_ONE),
        invalid=Markup(' aria-invalid="true"' if error else ""),
    )
    body = fill(
        '<p><a href="/category/{category}">{label}</a></p><div class="product">'
        '<img src="/pictures/{sku}.svg" alt="{title}"><div><h1>{title}</h1><p class="price">{price}</p>'
        '<p>{about}</p><dl class="facts"><dt>Item number</dt><dd>{sku}</dd>'
        "<dt>In stock</dt><dd>{left}</dd></dl>"
        "{buy}</div></div>",
        category=one.category,
        label=f"Back to {one.category}",
        sku=one.sku,
        title=one.title,
        price=money(one.price_cents),
        about=one.about,
        left=one.stock or "none: sold out",
        buy=buy if one.stock else Markup(),
    )
    return _page(view, one.title, body)


def _total(lines: Sequence[Line]) -> int:
    return sum(line.total_cents for line in lines)


def cart(
    view: View, lines: Sequence[Line], errors: Mapping[str, str], typed: Mapping[str, str], notice: str = ""
) -> str:
    """The cart: change quantities, remove, go on."""
    if not lines:
        body = fill(
            '<h1>Your cart</h1>{notice}<p>Your cart is empty.</p><p><a class="button" href="/">See'
            " all products</a></p>",
            notice=_notice(notice),
        )
        return _page(view, "Your cart", body)
    rows = joined(
        fill(
            '<tr><td><img class="thumb" src="/pictures/{sku}.svg" alt=""><a'
            ' href="/products/{sku}">{title}</a></td>'
            '<td class="num">{price}</td><td><input form="update" type="number" name="quantity-{sku}"'
            ' aria-label="Quantity of {title}" value="{quantity}" min="1" max="{most}" required{invalid}>'
            ' <span class="error" role="alert">{error}</span></td><td class="num">{total}</td>'
            '<td class="num"><form method="post" action="/cart/remove">{token}<input type="hidden" name="sku"'
            ' value="{sku}"><button class="plain" aria-label="Remove {title}">Remove</button></form>'
            "</td></tr>",
            sku=line.sku,
            title=line.title,
            price=money(line.price_cents),
            quantity=typed.get(line.sku, str(line.quantity)),
            most=MOST_OF_ONE,
            invalid=Markup(' aria-invalid="true"' if line.sku in errors else ""),
            error=errors.get(line.sku, ""),
            total=money(line.total_cents),
            token=_token(view),
        )
        for line in lines
    )
    body = fill(
        '<h1>Your cart</h1>{notice}<div class="panel"><table><thead><tr><th>Product</th><th'
        ' class="num">Price</th>'
        '<th>Quantity</th><th class="num">Amount</th><th></th></tr></thead><tbody>{rows}</tbody>'
        '<tfoot><tr><td colspan="3">Total</td><td class="num">{total}</td><td></td></tr></tfoot></table>'
        '<div class="row"><form id="update" method="post" action="/cart/update">{token}'
        '<button class="plain">Update cart</button></form><a class="button far" href="/checkout">Go'
        " to checkout</a>"
        "</div></div>",
        notice=_notice(notice),
        rows=rows,
        total=money(_total(lines)),
        token=_token(view),
    )
    return _page(view, "Your cart", body)


def _notice(text: str) -> Markup:
    return fill('<p class="notice" role="alert">{text}</p>', text=text) if text else Markup()


_TEXTS: tuple[tuple[str, str, str, str], ...] = (
    ("name", "Full name", "name", " full"),
    ("street", "Street", "street-address", " full"),
    ("city", "City", "address-level2", ""),
    ("postcode", "Postcode", "postal-code", ""),
)


def checkout(
    view: View, lines: Sequence[Line], typed: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    """The form that places an order, with what is wrong beside each field."""
    wrong = errors or {}

    def invalid(field: str) -> Markup:
        return Markup(f' aria-invalid="true" aria-describedby="{field}-error"' if field in wrong else "")

    def error(field: str) -> Markup:
        shown = wrong.get(field, "")
        return (
            fill('<span class="error" id="{field}-error">{shown}</span>', field=field, shown=shown)
            if shown
            else Markup()
        )

    texts = joined(
        fill(
            '<div class="field{full}"><label for="{field}">{label}</label>{error}<input type="text"'
            ' id="{field}"'
            ' name="{field}" autocomplete="{kind}" maxlength="200" value="{value}" required{invalid}></div>',
            field=field,
            label=label,
            kind=kind,
            full=full,
            value=typed.get(field, ""),
            error=error(field),
            invalid=invalid(field),
        )
        for field, label, kind, full in _TEXTS
    )
    options = joined(
        fill(
            "<option{chosen}>{name}</option>", name=name, chosen=_if("selected", typed.get("country") == name)
        )
        for name in COUNTRIES
    )
    ways = joined(
        fill(
            '<label for="{name}"><input type="radio" id="{name}" name="delivery" value="{name}"'
            " required{chosen}>"
            '{label} <span class="soft">&ndash; {days}, {price}</span></label>',
            name=way.name,
            label=way.label,
            days=way.days,
            price=money(way.price_cents) if way.price_cents else "free",
            chosen=_if("checked", typed.get("delivery", "standard") == way.name),
        )
        for way in DELIVERIES
    )
    sums = joined(
        fill(
            '<span class="sum {name}{suffix}">{total}</span>',
            name=way.name,
            suffix="-wrapped" if wrap else "",
            total=money(_total(lines) + way.price_cents + wrap),
        )
        for way in DELIVERIES
        for wrap in (0, GIFT_WRAP_CENTS)
    )
    body = fill(
        '<h1>Delivery details</h1><form class="checkout" method="post" action="/orders">{token}'
        '<div class="panel fields">{texts}<div class="field full"><label for="country">Country'
        "</label>{country_error}"
        '<select id="country" name="country" required{country_invalid}><option value="">Choose one</option>'
        "{options}</select></div><fieldset><legend>Delivery {delivery_error}</legend>{ways}</fieldset>"
        '<label class="field full" for="gift_wrap"><input type="checkbox" id="gift_wrap" name="gift_wrap"'
        ' value="yes"{wrapped}>Gift wrap <span class="soft">&ndash; {wrap}</span></label></div>'
        '<aside class="panel summary"><h2>Summary</h2><table><tbody>{rows}</tbody><tfoot><tr><td>Total</td>'
        '<td class="num">{sums}</td></tr></tfoot></table><p class="terms"><label for="terms"><input'
        ' type="checkbox"'
        ' id="terms" name="terms" value="yes" required{agreed}{terms_invalid}>I accept the terms</label>'
        " {terms_error}</p>{buttons}</aside></form>",
        buttons=_ordering(view, lines),
        token=_token(view),
        texts=texts,
        options=options,
        country_error=error("country"),
        country_invalid=invalid("country"),
        delivery_error=error("delivery"),
        ways=ways,
        wrap=money(GIFT_WRAP_CENTS),
        wrapped=_if("checked", typed.get("gift_wrap") == "yes"),
        agreed=_if("checked", typed.get("terms") == "yes"),
        terms_invalid=invalid("terms"),
        terms_error=error("terms"),
        rows=_summary(lines),
        sums=sums,
    )
    return _page(view, "Delivery details", body)


def _ordering(view: View, lines: Sequence[Line]) -> Markup:
    if view.labels == "usual":
        return Markup("<button>Place order</button>")
    return fill(
        '<button>Cancel</button><p></p><button formaction="/cart/remove" name="sku" value="{sku}"'
        " formnovalidate>Place order</button>",
        sku=lines[0].sku,
    )


def _if(attribute: str, there: bool) -> Markup:  # noqa: FBT001
    return Markup(f" {attribute}" if there else "")


def _summary(lines: Sequence[Line]) -> Markup:
    return joined(
        fill(
            '<tr><td>{title} &times; {quantity}</td><td class="num">{total}</td></tr>',
            title=line.title,
            quantity=line.quantity,
            total=money(line.total_cents),
        )
        for line in lines
    )


def order(view: View, placed: Order) -> str:
    """A placed order."""
    where = placed.address
    way = next(one for one in DELIVERIES if one.name == where.delivery)
    rows = joined(
        fill(
            '<tr><td>{sku}</td><td>{title}</td><td class="num">{price}</td><td class="num">{quantity}</td>'
            '<td class="num">{total}</td></tr>',
            sku=line.sku,
            title=line.title,
            price=money(line.price_cents),
            quantity=line.quantity,
            total=money(line.total_cents),
        )
        for line in placed.lines
    )
    extras = joined(
        fill(
            '<tr><td></td><td colspan="3">{label}</td><td class="num">{cost}</td></tr>',
            label=label,
            cost=cost,
        )
        for label, cost in (
            (f"{way.label} delivery", money(placed.delivery_cents) if placed.delivery_cents else "free"),
            *((("Gift wrap", money(placed.wrap_cents)),) if where.gift_wrap else ()),
        )
    )
    body = fill(
        '<h1>Thank you</h1><div class="panel"><dl class="facts"><dt>Order number</dt><dd>{id}</dd>'
        "<dt>Sent to</dt><dd>{name}</dd><dt>Address</dt><dd>{street}, {city} {postcode}, {country}</dd>"
        "<dt>Arrives</dt><dd>{days}</dd></dl>"
        '<table><thead><tr><th>SKU</th><th>Product</th><th class="num">Price</th><th'
        ' class="num">Quantity</th>'
        '<th class="num">Amount</th></tr></thead><tbody>{rows}{extras}</tbody><tfoot><tr><td'
        ' colspan="4">Total</td>'
        '<td class="num">{total}</td></tr></tfoot></table></div>',
        id=placed.id,
        name=where.name,
        street=where.street,
        city=where.city,
        postcode=where.postcode,
        country=where.country,
        days=way.days,
        rows=rows,
        extras=extras,
        total=money(placed.total_cents),
    )
    return _page(view, f"Order {placed.id}", body)


def orders(view: View, placed: Sequence[Order]) -> str:
    """A visitor's orders."""
    if not placed:
        return _page(
            view, "Your orders", Markup("<h1>Your orders</h1><p>You have not ordered anything yet.</p>")
        )
    rows = joined(
        fill(
            '<tr><td><a href="/orders/{id}">{id}</a></td><td>{name}</td><td>{what}</td><td'
            ' class="num">{total}</td></tr>',
            id=one.id,
            name=one.address.name,
            what=", ".join(f"{line.quantity} {line.title}" for line in one.lines),
            total=money(one.total_cents),
        )
        for one in placed
    )
    body = fill(
        '<h1>Your orders</h1><div class="panel"><table><thead><tr><th>Number</th><th>Sent to</th>'
        "<th>Products</th>"
        '<th class="num">Total</th></tr></thead><tbody>{rows}</tbody></table></div>',
        rows=rows,
    )
    return _page(view, "Your orders", body)


def prices(view: View, products: Sequence[Product]) -> str:
    """All prices as one table."""
    rows = joined(
        fill(
            '<tr><td>{sku}</td><td>{title}</td><td class="num">{price}</td><td class="num">{stock}</td></tr>',
            sku=one.sku,
            title=one.title,
            price=money(one.price_cents),
            stock=one.stock,
        )
        for one in products
    )
    body = fill(
        '<h1>Price list</h1><div class="panel prices"><table><thead><tr><th>SKU</th><th>Product</th>'
        '<th class="num">Price</th><th class="num">In stock</th></tr></thead><tbody>{rows}</tbody>'
        "</table></div>",
        rows=rows,
    )
    return _page(view, "Price list", body)


def help_page(view: View) -> str:
    """How the shop works."""
    body = Markup(
        '<h1>How this shop works</h1><div class="panel text"><p>Pick a product, choose how many, and'
        " add it to"
        " your cart. At the checkout, say where it goes. Standard delivery is free; express costs $6.50 and"
        " arrives the next working day. Gift wrap is $3.00 for a whole order.</p><p>You see your"
        " order number as"
        " soon as the order is placed. It stays on the Orders page.</p><p>The terms: this shop is made up."
        " Nothing is charged and nothing is sent. It forgets everything when the run ends.</p></div>"
    )
    return _page(view, "Help", body)


def problem(view: View, title: str, message: str) -> str:
    """What went wrong, and a way on."""
    body = fill(
        '<h1>{title}</h1><p>{message}</p><p><a class="button" href="/">See all products</a></p>',
        title=title,
        message=message,
    )
    return _page(view, title, body)
