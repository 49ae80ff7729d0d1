"""A time-stamping authority of one's own: `openssl ts` behind HTTP on loopback."""

import datetime as dt
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONF = """\
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """One with a certificate of its own."""

    folder: Path
    begins: dt.datetime | None = None
    ends: dt.datetime | None = None
    changes: Callable[[bytes], bytes] = lambda answer: answer
    status: int = 200
    kind: str = "application/timestamp-reply"
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        now = dt.datetime.now(dt.UTC)
        begins, ends = self.begins or now - dt.timedelta(days=1), self.ends or now + dt.timedelta(days=1)
        root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        top = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"root {self.folder.name}")])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"tsa {self.folder.name}")])

        def made(
            subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
        ) -> x509.Certificate:
            builder = x509.CertificateBuilder(top, subject, public, x509.random_serial_number(), begins, ends)
            return builder.add_extension(extension, critical=True).sign(root, hashes.SHA256())

        self.root = made(top, root.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        use = ExtendedKeyUsageOID.TIME_STAMPING
        leaf = made(name, key.public_key(), x509.ExtendedKeyUsage([use]))
        pem = serialization.Encoding.PEM
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(self.root.public_bytes(pem))
        (self.folder / "tsa.pem").write_bytes(leaf.public_bytes(pem))
        (self.folder / "key.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (self.folder / "serial").write_text("01")
        (self.folder / "conf").write_text(CONF.format(folder=self.folder))

    def answer(self, query: bytes) -> bytes:
        """Stamp a query."""
        self.asked.append(query)
        (self.folder / "query").write_bytes(query)
        command = "openssl ts -reply -config conf -queryfile query -out answer"
        signer = "-signer tsa.pem -inkey key.pem"
        subprocess.run(f"{command} {signer}".split(), cwd=self.folder, capture_output=True, check=True)
        return self.changes((self.folder / "answer").read_bytes())

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer over HTTP, and give the address."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"] == "application/timestamp-query"
                answer = authority.answer(query)
                self.send_response(authority.status)
                self.send_header("content-type", authority.kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
            finally:
                server.shutdown()
                thread.join()
