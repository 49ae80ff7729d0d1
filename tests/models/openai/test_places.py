"""Where a server is, and which key goes there."""

import pytest
from harness.errors import InputError
from harness.models.openai.places import NO_KEY, resource, typed, vendor


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


@pytest.mark.parametrize(
    ("endpoint", "root"),
    [
        ("https://r.openai.azure.com", "https://r.openai.azure.com"),
        ("https://r.openai.azure.com/", "https://r.openai.azure.com"),
        (" https://r.openai.azure.com/openai ", "https://r.openai.azure.com"),
        ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com"),
        ("https://r.openai.azure.com/openai/deployments/d/responses", "https://r.openai.azure.com"),
        ("https://gateway.corp/team/openai/v1", "https://gateway.corp/team"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_an_endpoint_may_be_written_in_each_of_its_forms(endpoint: str, root: str) -> None:
    assert resource({"AZURE_OPENAI_ENDPOINT": endpoint}, "azure:d") == root


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("", r"--model azure:d needs the resource's address: set AZURE_OPENAI_ENDPOINT.*portal\.azure"),
        ("r.openai.azure.com", "AZURE_OPENAI_ENDPOINT: .*write it as https://my-resource"),
        ("https://", "write it as https://"),
        ("ftp://r.openai.azure.com", "write it as https://"),
        ("http://r.openai.azure.com", "AZURE_OPENAI_ENDPOINT: a key would go to .* unencrypted"),
        ("https://a:b@r.test", "take it out and set AZURE_OPENAI_API_KEY"),
        ("https://r.test/?api-version=1", "more than a host and a path"),
    ],
)
def test_an_endpoint_that_cannot_be_meant_is_refused(endpoint: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        resource({"AZURE_OPENAI_ENDPOINT": endpoint}, "azure:d")
