"""The certificate authority of one run: keys in memory, trusted by that run's browser alone."""

import base64
import hashlib
import os
import ssl

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class CertificateAuthority:
    """Makes certificates for the names a browser asks for, one a name."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="harness", organization_unit_name="this run only")
        self._contexts: dict[str, ssl.SSLContext] = {}
        key = x509.load_pem_x509_certificate(self.pem).public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.spki = base64.b64encode(hashlib.sha256(spki).digest()).decode()

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return bytes(self._ca.cert_pem.bytes())

    def context(self, host: str) -> ssl.SSLContext:
        """What a server of that name needs. It refuses a client that asks for another name, or for none.

        Args:
            host: a name or an IP address in canonical spelling, IPv6 in brackets.
        """
        if host not in self._contexts:
            self._contexts[host] = self._make(host.strip("[]"))
        return self._contexts[host]

    def _make(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        leaf = self._issue(host)
        # The chain must hold the authority itself: Chromium looks for the trusted key in what it is sent.
        _load(context, leaf.private_key_and_cert_chain_pem.bytes() + self.pem)
        expected = None if host.replace(".", "").isdigit() or ":" in host else host

        def check(_object: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
            return None if name == expected else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

        context.sni_callback = check
        return context

    def _issue(self, host: str) -> trustme.LeafCert:
        try:
            return self._ca.issue_cert(host)
        except UnicodeError:
            # Real names such as r3---sn.example are no IDNA labels; the browser trusts the key, not the name.
            return self._ca.issue_cert(common_name="not an IDNA name")


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
