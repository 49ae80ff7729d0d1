import struct

from harness.evals.containment.names import host_at, question


def asked(name: str, kind: int) -> bytes:
    labels = b"".join(bytes((len(one),)) + one.encode() for one in name.split("."))
    return b"\x12\x34\x01\x00\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_a_name_is_read_and_answered_with_an_address_that_leads_back() -> None:
    name, kind, answer = question(asked("Evil.test", 1))
    assert (name, kind) == ("Evil.test", "A")
    assert answer.startswith(b"\x12\x34\x81\x80")
    assert answer.endswith(bytes((203, 0, 113, 5)))


def test_allowed_hosts_have_addresses_of_their_own() -> None:
    address = ".".join(map(str, question(asked("also.test", 1))[2][-4:]))
    assert host_at(address) == "also.test"
    assert host_at("10.0.0.1") == "10.0.0.1"


def test_other_kinds_have_no_records_and_nonsense_no_answer() -> None:
    assert question(asked("evil.test", 28))[2][6:8] == b"\0\0"
    assert question(b"\x12\x34") == ("", "", b"")
