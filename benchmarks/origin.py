"""A small TLS server with one page of many subresources, for a process of its own."""

import asyncio
import contextlib
import ssl
import tempfile
from multiprocessing.connection import Connection
from typing import Final

SUBRESOURCES: Final = 50
SIZE: Final = 10_000


def content(path: str) -> tuple[bytes, bytes]:
    """The page, or one of its images' worth of bytes."""
    if path != "/":
        return b"text/javascript", b"/*" + b"x" * SIZE + b"*/"
    links = "".join(f"<script src=/{number}.js></script>" for number in range(SUBRESOURCES))
    return b"text/html", f"<!doctype html><title>bench</title>{links}".encode()


def serve(pem: bytes, port: Connection) -> None:
    """Listen on a free port of loopback, tell which, and serve until killed.

    Args:
        pem: private key and certificates.
        port: where the number of the port is sent.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                kind, body = content(head.split(b" ", 2)[1].decode())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
                    % (kind, len(body), body)
                )
                await writer.drain()
        writer.close()

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())
