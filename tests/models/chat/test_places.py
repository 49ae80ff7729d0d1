"""Where a server is, and which key goes there."""

import pytest
from harness.errors import InputError
from harness.models.chat.places import NO_KEY, split, typed, vendor


@pytest.mark.parametrize(
    ("text", "model", "url"),
    [
        ("gpt-4o", "gpt-4o", None),
        ("qwen@http://127.0.0.1:8000/v1", "qwen", "http://127.0.0.1:8000/v1"),
        ("org/model@main@https://host/v1", "org/model@main", "https://host/v1"),
        ("a@b", "a@b", None),
    ],
)
def test_a_name_is_taken_apart(text: str, model: str, url: str | None) -> None:
    assert split(text) == (model, url)


@pytest.mark.parametrize("text", ["", "@http://host/v1"])
def test_a_name_without_a_model_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no model"):
        split(text)


def test_a_typed_url_gets_its_own_key_or_none_and_never_a_vendors() -> None:
    vendors = {"OPENAI_API_KEY": "sk-vendor", "AZURE_OPENAI_API_KEY": "az", "ANTHROPIC_API_KEY": "an"}
    assert typed("https://host/v1", vendors).key == NO_KEY
    assert typed("https://api.openai.com/v1", vendors).key == NO_KEY
    assert typed("https://host/v1", {**vendors, "CHAT_API_KEY": "mine"}).key == "mine"


def test_the_vendor_gets_its_key_and_may_be_elsewhere() -> None:
    assert vendor({"OPENAI_API_KEY": "sk"}, "chat:gpt-4o").url == "https://api.openai.com/v1"
    there = vendor({"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "https://proxy.corp/v1/"}, "chat:gpt-4o")
    assert (there.url, there.key, there.keys, there.own) == ("https://proxy.corp/v1", "sk", ("sk",), False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        vendor({}, "chat:gpt-4o")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1"),
        ("https://host/some/path", "https://host/some/path"),
    ],
)
def test_a_url_without_a_path_means_v1(url: str, base: str) -> None:
    assert typed(url, {"CHAT_API_KEY": "k"}).url == base


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1",
        "http:///v1",
        "https://user:secret@host/v1",
        "https://host/v1?key=secret",
        "https://host/v1#x",
        "https://host:99999/v1",
        "https://[::1/v1",
        "https://host/v1\n",
        "https://ho\u017ft/v1",
    ],
)
def test_what_is_no_address_or_holds_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InputError) as caught:
        typed(url, {})
    assert "user:secret" not in str(caught.value)


def test_unencrypted_is_said_where_it_leaves_the_machine_and_refused_with_a_key() -> None:
    assert typed("http://127.0.0.1:1/v1", {"CHAT_API_KEY": "k"}).warning == ""
    assert typed("https://host/v1", {}).warning == ""
    assert "unencrypted" in typed("http://gpu.lan:8000/v1", {}).warning
    with pytest.raises(InputError, match="unencrypted"):
        typed("http://gpu.lan:8000/v1", {"CHAT_API_KEY": "k"})
