"""Which addresses are the internet's."""

import ipaddress

import pytest
from harness.gateway.upstreams.addresses import inside


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "172.32.0.1", "11.0.0.1"]
)
def test_addresses_of_the_internet(text: str) -> None:
    assert inside(ipaddress.ip_address(text)) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("169.254.169.254", "link-local or cloud metadata"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("64:ff9b::808:808", "NAT64"),
        ("2002:808:808::", "6to4"),
        ("2001:0:808:808::", "Teredo or protocol assignments"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - it is refused
        ("::", "unspecified"),
        ("5f00::1", "not global"),
    ],
)
def test_addresses_of_somebodys_inside(text: str, what: str) -> None:
    assert inside(ipaddress.ip_address(text)) == what
