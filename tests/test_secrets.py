import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from harness.secrets import Held, Redactor, Vault, named
from hypothesis import given
from hypothesis import strategies as st

SECRET = "pä$$ w&rd/42"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        "".join(f"%{byte:02X}" for byte in SECRET.encode()),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        html.escape(SECRET),
    ],
)
def test_every_form_a_secret_travels_in_is_replaced(form: str) -> None:
    redactor = Redactor({"shop": SECRET, "empty": ""})
    assert redactor.text(f"<{form}>").rstrip("=>") in ("<[secret:shop]", "<[secret:shop]>".rstrip(">"))
    assert redactor.text(form).rstrip("=") == "[secret:shop]"
    assert redactor.data(f"x={form}".encode()).rstrip(b"=") == b"x=[secret:shop]"


@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_secret_inside_base64_is_replaced_wherever_it_begins(before: bytes, after: bytes) -> None:
    secret = "correct horse battery"
    text = base64.b64encode(before + secret.encode() + after).decode()
    found = Redactor({"a": secret}).text(text)
    assert "[secret:a]" in found
    assert len(found) <= len(text) - len(secret) + len("[secret:a]")


@given(text=st.text())
def test_without_secrets_nothing_changes(text: str) -> None:
    assert Redactor({}).text(text) == text
    assert Redactor({"a": ""}).data(text.encode("utf-8", "surrogatepass")) == text.encode(
        "utf-8", "surrogatepass"
    )


@given(text=st.text(alphabet="abcdef", max_size=30))
def test_no_secret_is_left(text: str) -> None:
    redactor = Redactor({"one": "abcd", "two": "abcdef"})
    assert "abcd" not in redactor.text(text)


def test_the_longest_secret_wins() -> None:
    assert Redactor({"one": "abcd", "two": "abcdef"}).text("abcdef abcd") == "[secret:two] [secret:one]"


def test_members_and_their_names_are_read_at_any_depth() -> None:
    redactor = Redactor({"pin": "secret-pin"})
    value = redactor.json({"secret-pin": ["a secret-pin", {"x": "secret-pin"}, 7, None, True]})
    assert value == {"[secret:pin]": ["a [secret:pin]", {"x": "[secret:pin]"}, 7, None, True]}


def test_a_short_secret_is_seen_where_it_is_the_whole_text() -> None:
    redactor = Redactor({"pin": "12"})
    assert redactor.text("12") == "[secret:pin]"
    assert redactor.text("it is 12 o'clock") == "it is 12 o'clock"


def test_digests_survive_short_secrets_and_pictures_survive_all() -> None:
    redactor = Redactor({"pin": "abab", "key": "cd" * 32})
    assert redactor.text("ab" * 32) == "ab" * 32
    assert redactor.text("cd" * 32) == "[secret:key]"
    assert redactor.text("x" + "ab" * 32) != "x" + "ab" * 32
    picture = b"\x89PNG\r\n\x1a\nabab"
    assert redactor.data(picture) == picture
    assert redactor.data(b"\xff\xfe abab") == b"\xff\xfe [secret:pin]"


def test_a_long_text_never_grows() -> None:
    text = "abab" * 25_000
    found = Redactor({"a-name-longer-than-the-secret": "abab"}).text(text)
    assert found == "[secret:a-name-longer-than-the-secret] among 100,000 characters"


def vault() -> Vault:
    shop = Held(
        "shop",
        "correct horse",
        may=lambda url: url.startswith("https://shop.test/"),
        goes=lambda url: url.startswith("https://shop.test/"),
        hosts="shop.test",
    )
    return Vault([shop])


def test_a_vault_names_its_secrets_and_never_shows_them() -> None:
    kept = vault()
    assert [one.name for one in kept] == ["shop"]
    assert kept.get("shop") is not None
    assert kept.get("bank") is None
    shown = f"{kept!r} {kept} {kept.get('shop')!r} {list(kept)}"
    assert "shop" in shown
    assert "horse" not in shown


def test_a_vault_hides_its_secrets_and_an_empty_one_hides_nothing() -> None:
    assert vault().hide("it is correct horse; Y29ycmVjdCBob3JzZQ==") == "it is [secret:shop]; [secret:shop]=="
    assert not Vault()
    assert Vault().hide("correct horse") == "correct horse"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{secret:shop}}", ("shop",)),
        ("a {{ secret:b-2 }} and {{secret:_c}}", ("b-2", "_c")),
        ("{secret:shop} {{secret:}} {{secret:2}} {{ secret: shop }} secret:shop", ()),
    ],
)
def test_a_place_for_a_secret_is_named_in_one_way_only(text: str, names: tuple[str, ...]) -> None:
    assert named(text) == names
