"""A network in which every address, on a few ports, leads to one Unix socket.

A program of its own, started alone in a network namespace that is empty but for loopback: it makes every
IPv4 and IPv6 address a local one, listens, and hands what comes to whoever listens on the Unix socket, under
a line of JSON that says where it was bound for. It imports nothing of the harness.

    python -I open_net.py SOCKET READY PORT …

The file READY appears once it listens. It ends when its namespace does.
"""

import contextlib
import json
import socket
import struct
import sys
import threading
from pathlib import Path

_RTM_NEWLINK, _RTM_NEWROUTE = 16, 24
_REQUEST_ACK = 5
_CREATE = 0x600
_RTM_NEWADDR = 20
_LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL_ROUTE = 255, 3, 254, 2
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND = 3, 18, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_DEVICE, _OWN = b"net0\0", "198.18.0.1"
_OUTPUT_DEVICE = 4
_CHUNK = 65_536
_IPV6_RECVPKTINFO, _IPV6_PKTINFO = 49, 50


def _ask_kernel(kind: int, flags: int, body: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body)
        code = struct.unpack_from("=i", link.recv(4096), 16)[0]
    if code:
        raise OSError(-code, "the kernel refused a route")


def everything_is_here() -> None:
    """Bring loopback up and make every address this machine's own.

    Raises:
        OSError: if IPv4 cannot be had; without IPv6 it goes on.
    """
    loopback = socket.if_nametoindex("lo")
    _ask_kernel(_RTM_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, loopback, 1, 1))
    for family in (socket.AF_INET, socket.AF_INET6):
        head = struct.pack("=BBBBBBBBI", family, 0, 0, 0, _LOCAL_TABLE, _BOOT, _HOST_SCOPE, _LOCAL_ROUTE, 0)
        try:
            _ask_kernel(_RTM_NEWROUTE, _CREATE, head + struct.pack("=HHI", 8, _OUTPUT_DEVICE, loopback))
        except OSError:
            if family == socket.AF_INET:
                raise


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def a_card_of_its_own() -> None:
    """Make an interface besides loopback, without which a browser gathers no WebRTC candidates.

    Raises:
        OSError: if this machine's kernel has none to give.
    """
    kind = _attribute(_IFLA_LINKINFO, _attribute(_IFLA_INFO_KIND, b"ifb\0"))
    up = struct.pack("=BxHiII", 0, 0, 0, 1, 1)
    _ask_kernel(_RTM_NEWLINK, _CREATE, up + _attribute(_IFLA_IFNAME, _DEVICE) + kind)
    address = socket.inet_aton(_OWN)
    index = socket.if_nametoindex(_DEVICE.rstrip(b"\0").decode())
    head = struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, index)
    own = _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address)
    _ask_kernel(_RTM_NEWADDR, _CREATE, head + own)


def _line(kind: str, to: str, port: int) -> bytes:
    return json.dumps({"kind": kind, "to": to.removeprefix("::ffff:"), "port": port}).encode() + b"\n"


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, sink):
            one.close()


def _joined(came: socket.socket, where: str) -> None:
    to, port = came.getsockname()[:2]
    out = socket.socket(socket.AF_UNIX)
    try:
        out.connect(where)
        out.sendall(_line("tcp", to, port))
    except OSError:
        came.close()
        return
    threading.Thread(target=_copy, args=(came, out), daemon=True).start()
    threading.Thread(target=_copy, args=(out, came), daemon=True).start()


def _accept(listener: socket.socket, where: str) -> None:
    while True:
        came, _ = listener.accept()
        _joined(came, where)


def _datagrams(ear: socket.socket, where: str, port: int) -> None:
    while True:
        data, notes, _, sender = ear.recvmsg(_CHUNK, 256)
        to = next((socket.inet_ntop(socket.AF_INET6, note[2][:16]) for note in notes if note[1] == 50), "")
        try:
            with socket.socket(socket.AF_UNIX) as out:
                out.settimeout(5)
                out.connect(where)
                out.sendall(_line("udp", to, port) + data)
                out.shutdown(socket.SHUT_WR)
                answer = out.recv(_CHUNK)
            if answer:
                ear.sendto(answer, sender)
        except OSError:
            continue


def main(where: str, ready: str, ports: list[int]) -> None:
    """Listen on the ports, for every address, and never return."""
    everything_is_here()
    with contextlib.suppress(OSError):
        a_card_of_its_own()
    for port in ports:
        listener = socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256
        )
        ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        ear.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        ear.bind(("::", port))
        threading.Thread(target=_accept, args=(listener, where), daemon=True).start()
        threading.Thread(target=_datagrams, args=(ear, where, port), daemon=True).start()
    Path(ready).touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(one) for one in sys.argv[3:]])
