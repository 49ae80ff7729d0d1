"""What people send: read with bounds, checked, and never trusted."""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from harness.worlds.shop.goods import COUNTRIES, DELIVERIES
from harness.worlds.shop.store import Address

_LARGEST = 64 * 1024
_FIELDS = 64


async def read_form(request: Request) -> dict[str, str]:
    """Read a form's fields; the last of equal names counts.

    Raises:
        HTTPException: 413 for a body over 64 kB, 415 for another type, 400 for one that cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "This shop reads forms of type application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise HTTPException(413, f"That is more than this shop reads: {_LARGEST // 1024} kB.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError as error:
        raise HTTPException(400, f"That form cannot be read: {error}") from error


def quantity(text: str) -> int:
    """Read a whole number from 1 to 999.

    Raises:
        ValueError: for anything else, in words for the customer.
    """
    found = re.fullmatch(r"\s*0*([1-9][0-9]{0,2})\s*", text, re.ASCII)
    if found is None:
        raise ValueError("Must be a whole number from 1 up")
    return int(found[1])


def read_address(form: Mapping[str, str]) -> Address | dict[str, str]:
    """Check a checkout form: the address, or what is wrong by field name."""
    errors: dict[str, str] = {}

    def text(field: str, most: int) -> str:
        value = " ".join(unicodedata.normalize("NFC", form.get(field, "")).split())
        if not value:
            errors[field] = "Must not be empty"
        elif len(value) > most:
            errors[field] = f"At most {most} characters"
        elif any(unicodedata.category(character) in {"Cc", "Cs", "Cn"} for character in value):
            errors[field] = "Has characters that cannot be printed"
        return value

    def one_of(field: str, allowed: tuple[str, ...], message: str) -> str:
        value = form.get(field, "")
        if value not in allowed:
            errors[field] = message
        return value

    name, street, city = text("name", 100), text("street", 100), text("city", 60)
    postcode = text("postcode", 12).upper()
    if "postcode" not in errors and (wrong := _wrong_postcode(postcode)):
        errors["postcode"] = wrong
    country = one_of("country", COUNTRIES, "Pick one from the list")
    delivery = one_of("delivery", tuple(way.name for way in DELIVERIES), "Pick one")
    if form.get("terms") != "yes":
        errors["terms"] = "Needed to go on"
    if errors:
        return errors
    return Address(name, street, city, postcode, country, delivery, gift_wrap=form.get("gift_wrap") == "yes")


def _wrong_postcode(postcode: str) -> str:
    if not re.search(r"[0-9]", postcode):
        return "Must have a digit"
    return "" if re.fullmatch(r"[A-Z0-9][A-Z0-9 -]{1,10}[A-Z0-9]", postcode) else "3 to 12 letters and digits"
