"""The authority of a run: one key to trust, and leaves for any name."""

import base64
import contextlib
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness.gateway.tls import CertificateAuthority
from harness.gateway.upstreams.asgi import AsgiUpstream
from tests.gateway.support import echo, opened


def test_the_pin_is_the_hash_of_its_key() -> None:
    authority = CertificateAuthority()
    key = x509.load_pem_x509_certificate(authority.pem).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert authority.spki == base64.b64encode(hashlib.sha256(spki).digest()).decode()
    assert authority.spki != CertificateAuthority().spki


def test_a_name_has_one_certificate() -> None:
    authority = CertificateAuthority()
    assert authority.context("shop.test") is authority.context("shop.test")
    assert authority.context("shop.test") is not authority.context("evil.test")


def shake(authority: CertificateAuthority, host: str, name: str | None) -> ssl.SSLObject:
    """A handshake in memory."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(cadata=authority.pem.decode())
    trust.set_alpn_protocols(["h2", "http/1.1"])
    trust.check_hostname = name is not None
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(down, up, server_hostname=name)
    server = authority.context(host).wrap_bio(up, down, server_side=True)
    for side in (client, server) * 5:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client


@pytest.mark.parametrize(
    "host", ["shop.test", "a.b.shop.test", "xn--bcher-kva.test", "127.0.0.1", "localhost"]
)
def test_a_client_that_trusts_the_authority_is_served(host: str) -> None:
    client = shake(CertificateAuthority(), host, host)
    assert client.selected_alpn_protocol() == "http/1.1"
    assert client.version() in {"TLSv1.2", "TLSv1.3"}


def test_a_name_that_is_no_idna_label_still_gets_a_certificate() -> None:
    authority = CertificateAuthority()
    assert authority.context("r3---sn-abc.video.test") is authority.context("r3---sn-abc.video.test")


@pytest.mark.parametrize("name", ["evil.test", None])
def test_another_name_or_none_is_refused(name: str | None) -> None:
    with pytest.raises(ssl.SSLError):
        shake(CertificateAuthority(), "shop.test", name)


async def test_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        await client.write(b"CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n")
        await client.reader.readuntil(b"\r\n\r\n")
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.writer.start_tls(ssl.create_default_context(), server_hostname="shop.test")
        assert setup.keeper.heads == []
