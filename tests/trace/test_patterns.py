"""What is masked, and what looks like it and is not."""

import json
import time
from pathlib import Path

import pytest
from harness.errors import InputError
from harness.trace.compact import plain
from harness.trace.patterns import KINDS, Patterns, iban, luhn
from harness.trace.reader import Trace
from pydantic import JsonValue

EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"
MASKED = {
    "data": ["data:image/png;base64," + "iVBORw0K" * 40],
    "key": [
        "sk-proj-" + "aB3" * 12,
        "sk-ant-api03-" + "xY_9" * 12,
        "sk_live_" + "4eC39HqLyjWDarjtT1zd",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "11ABCDEFG0" * 3,
        "xoxb-" + "1234567890-abcdefghij",
        "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
        "hf_" + "abcdefghijABCDEFGHIJ1234567890abcd",
    ],
    "token": ["eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"],
    "bearer": ["Bearer abcdef0123456789abcdef", "basic dXNlcjpwYXNzd29yZA=="],
    "private key": [
        "-----BEGIN " + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE",
    ],
    "email": ["ada@example.org", "ada.lovelace+shop@mail.example.co.uk", "o'brien@example.com"],
    "card": [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0055-5555-5559",
        "378282246310005",
        "6011 1111 1111 1117",
    ],
    "iban": ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR14 2004 1010 0505 0001 3M02 606"],
    "phone": [
        "+49 30 1234567",
        "+1 415-555-2671",
        "+442079460018",
        "+33 1 23 45 67 89",
        "(415) 555-2671",
        "415-555-2671",
        "020 7946 0018",
        "01 23 45 67 89",
        "030/12345678",
        "0049 30 1234567",
    ],
}
LEFT = [
    "data:image/png;base64,iVBORw0KGgo=",
    "2026-11-21T10:43:01.500Z",
    "2026-11-21 10:43:01",
    "1763721781500",
    "1763721781.501234",
    "20261121-104300-buy-a-mug-40f5a4",
    "156c51f66cf6",
    "123456789012",
    "0" * 64,
    "4111111111111111" * 4,
    "$1,234.56",
    "12.50 19.99 7.00 31.49",
    "MUG-BLUE-0123456",
    "4111111111111112",
    "4111111111111111-4111",
    "v1.2.3.4",
    "192.168.100.200",
    "127.0.0.1:8080",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "https://shop.test@evil.test/",
    "@media (max-width: 1280px)",
    "550e8400-e29b-41d4-a716-446655440000",
    "GB29 NWBK 6016 1331 9268 18",
    "rgb(12, 34, 56) 0 10 20 30 40",
    "M 100 200 300 400 500 600",
    "basic information about products",
    "task-force-of-many-people-and-more",
    "12 St James's Square, London SW1Y 4JH",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in MASKED.items() for text in texts])
def test_what_must_not_be_shown_is_masked_in_every_place(kind: str, text: str) -> None:
    mark = f"[redacted:{kind}]"
    assert Patterns().text(text) == mark
    for before, after in (("Send it to ", ", please."), ('{"a":"', '"}'), ("<b>", "</b>"), ("(", ")")):
        if kind == "private key" or (kind, before) in (("phone", "("), ("bearer", "(")):
            continue
        assert Patterns().text(f"{before}{text}{after}") == f"{before}{mark}{after}"


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert Patterns().text(text) == text
    assert Patterns().text(f"at {text} it is") == f"at {text} it is"


def test_nothing_in_a_recorded_run_without_personal_data_is_masked() -> None:
    patterns = Patterns()
    for one in Trace.open(EXAMPLE).events:
        text = json.dumps(plain(one.event))
        assert patterns.find(text) == [], text


def test_percent_encoded_values_are_masked() -> None:
    patterns = Patterns()
    found = patterns.text("https://a.test/?mail=ada%40example.org&card=4111+1111+1111+1111&q=blue%20mug")
    assert found == "https://a.test/?mail=[redacted:email]&card=[redacted:card]&q=blue%20mug"
    assert patterns.text("tel=%2B49+30+1234567;x=%zz") == "tel=[redacted:phone];x=%zz"
    assert patterns.values["ada@example.org"] == "email"


def test_json_is_masked_in_texts_names_and_long_numbers() -> None:
    value: JsonValue = {"ada@example.org": [4111111111111111, True, 7, 1763721781500, None, "x"]}
    assert Patterns().json(value) == {
        "[redacted:email]": ["[redacted:card]", True, 7, 1763721781500, None, "x"]
    }
    assert Patterns().numbers({"a": [4111111111111111, True, "4111111111111111"]}) == {
        "a": ["[redacted:card]", True, "4111111111111111"]
    }


def test_user_patterns_come_first_and_are_named() -> None:
    patterns = Patterns({"customer": r"\bC-\d{4}\b", "everyone": r"ada@[a-z.]+", "nothing": "x*"})
    assert patterns.names == (*KINDS, "customer", "everyone", "nothing")
    assert patterns.text("C-1234 and ada@example.org, C-12345") == (
        "[redacted:customer] and [redacted:everyone], C-12345"
    )


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("a", "(", "not a regular expression"),
        ("a", r"(?<=x)y", "no look-around"),
        ("a", "", "has 1 to 2,000 characters"),
        ("a", "x" * 2001, "has 1 to 2,000 characters"),
        ("", "x", "a name has letters"),
        ("a]", "x", "a name has letters"),
        ("card", "x", "and is not data, private key, token"),
    ],
)
def test_user_patterns_that_cannot_be_used_are_said(name: str, source: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Patterns({name: source})


def test_no_text_takes_long() -> None:
    patterns = Patterns({"bad": r"(a+)+$", "worse": r"(.*a){20}"})
    size = 20_000
    for text in (
        "a" * size,
        "1 " * size,
        "a.b@" * size,
        "eyJ" + "a" * size,
        "Bearer " * size,
        "+1 23" * size,
    ):
        start = time.process_time()
        patterns.text(text)
        assert time.process_time() - start < 20, text[:20]


def test_check_digits() -> None:
    assert luhn("4111 1111 1111 1111")
    assert not luhn("4111 1111 1111 1112")
    assert not luhn("0000000000000000")
    assert not luhn("1763721781500")
    assert iban("DE89 3704 0044 0532 0130 00")
    assert not iban("DE88370400440532013000")
