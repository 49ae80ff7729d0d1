from harness.worlds.shop.markup import Markup, fill, joined


def test_values_are_escaped_and_markup_is_not() -> None:
    assert (
        fill("<p>{one}{two}</p>", one="<b>\"'&", two=Markup("<i>")) == "<p>&lt;b&gt;&quot;&#x27;&amp;<i></p>"
    )


def test_what_is_filled_is_not_escaped_again() -> None:
    once = fill("{text}", text="a & b")
    assert fill("{once}", once=joined([once, once])) == "a &amp; ba &amp; b"


def test_braces_in_a_value_are_only_braces() -> None:
    assert fill("{text}", text="{other}") == "{other}"
