"""Lists of IPv6 and hardware addresses: what is plain is taken at once, and nothing else is."""

from __future__ import annotations

import ipaddress
import random
import re
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor, budget, plain_few, plain_numbers
from collector.redaction.contact import ipv4_handler, ipv6
from collector.redaction.digit_runs import runs_of
from collector.redaction.matching import Span
from collector.redaction.plain import plain_values
from collector.redaction.plain_network import quads
from collector.redaction.rules import load

MARKS = ["\n", ", ", ";", "\t", '","', " | ", ".\n"]


def _addresses(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    kinds = (
        lambda: ":".join(f"{rng.randrange(16, 256):02x}" for _ in range(6)),
        lambda: ":".join(f"{rng.randrange(16, 256):02X}" for _ in range(6)),
        lambda: ":".join(f"{rng.randrange(4096, 65536):x}" for _ in range(8)),
        lambda: f"2001:db8:{rng.randrange(1, 65536):x}::{rng.randrange(1, 65536):x}",
    )
    return [rng.choice(kinds)() for _ in range(n)]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_a_list_of_addresses_goes_whole(engine: Literal["hyperscan", "re2"], mark: str) -> None:
    out = Redactor(engine=engine).redact(mark.join(_addresses(200, 1)))
    assert not out.dropped
    assert set(re.split(r"[\n,;\t\"|. ]+", out.text)) <= {"[MAC_ADDRESS]", "[IP_ADDRESS]", ""}
    assert len(out.entities) == 200


@pytest.mark.parametrize("size", [3, 3000])
@pytest.mark.parametrize(
    "field",
    ["00:00:00:00:00:00", "::1", "2001:db8::1::2", "12:34:56", "1:2:3:4:5:6:7", "2001:db8:1:2:3:4:5:g", "x2001:db8::5", "2001:db8::5x", "a:b:c::d"],
)
def test_what_is_no_address_by_itself_is_left_to_the_matchers(field: str, size: int) -> None:
    raw = "\0{}\0".format("\n".join([field] * size)).encode()
    found: list[tuple[int, int, str]] = []
    plain_values(raw, 1, len(raw) - 1, found)
    assert not found


def test_a_number_beside_an_address_is_found_as_ever() -> None:
    rows = [f"0171 123{k:04d} {address} (202) 555-0{k % 900 + 100}" for k, address in enumerate(_addresses(120, 2))]
    out = Redactor().redact("\n".join(rows))
    assert not re.search(r"[0-9]", out.text)


FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")


def _quad(rng: random.Random, odd: float) -> str:
    first = rng.choice([0, 10, 127, 255, 256, 300]) if rng.random() < odd else rng.randrange(1, 255)
    return f"{first}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"


AROUND = [
    "{q}\n",
    "{q} ",
    "{q}, ",
    "{q},",
    "{q}\t{q} {q}\n",
    "{q}:8080\n",
    "{q}:443 ",
    "{q}/24\n",
    "{q}/16 ",
    "{q} -> {q}; ",
    "({q}) ",
    "[{q}]:22\n",
    "http://{q}/x?y=1 ",
    "ip={q};",
    "root@{q}\n",
    '{q} - - [12/Mar/2024:10:11:12 +0000] "GET /x HTTP/1.1" 200 5\n',
    "{q} 17 {q}\n",
]
ODD_ONES = [
    "version {q} ",
    "Chrome/{q} ",
    "v{q} ",
    "{q}.5 ",
    "{q}-rc ",
    "012.1.1.1 ",
    "1.2.3 ",
    "212 555 0143 {q} ",
    "phone {q} {q}\n",
    "{q} ext 5 ",
    "assembly2 {q} ",
    "4085\n",
    "{q}/2=\n",
]


@pytest.mark.parametrize("odd", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("around", AROUND)
def test_what_dense_lists_of_addresses_come_to_is_what_matchers_make_of_each(around: str, odd: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LOOKS", 1e9)
    rng = random.Random(around + str(odd))
    odd_ones = [row for row in ODD_ONES if "phone" not in row or "3 " not in around]  # a telephone number may go on with ports in a list
    rows = (rng.choice(odd_ones) if rng.random() < odd / 2 else around for _ in range(300))
    text = "".join(re.sub(r"\{q\}", lambda _: _quad(rng, odd), row) for row in rows)
    out = FAST.redact(text)
    assert out == SLOW.redact(text)
    monkeypatch.setattr(plain_numbers, "quads", lambda *_: None)
    monkeypatch.setattr(plain_few, "quads", lambda *_: None)
    FAST.forget()
    assert out.text == FAST.redact(text).text


@pytest.mark.parametrize("seed", range(30))
def test_addresses_in_columns_are_those_of_the_matcher(seed: int) -> None:
    rng = random.Random(seed)
    handle = ipv4_handler(next(rule for rule in load() if rule.id == "ipv4"))
    for _ in range(40):
        rows = [rng.choice([*AROUND, *ODD_ONES]) for _ in range(rng.randrange(1, 12))]
        raw = b"\0%b\0" % "".join(re.sub(r"\{q\}", lambda _: _quad(rng, 0.2), row) for row in rows).encode()
        found: list[Span] = []
        expected: list[Span] = []
        quads(runs_of(np.frombuffer(raw, np.uint8)), raw, 1, len(raw) - 1, found, [])
        for m in re.finditer(rb"(?<![0-9.])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", raw):
            handle(raw, m.end(), 1, len(raw) - 1, expected)
        assert set(found) <= set(expected)


_PART = st.sampled_from(["0", "1", "db8", "2001", "0001", "ffff", "00000", "", "", "1.2.3.4", "1.2.3.04", "256.1.1.1"])


@settings(max_examples=2000, deadline=None)
@given(st.lists(_PART, min_size=2, max_size=10))
def test_an_address_is_one_by_the_standard_library_too(parts: list[str]) -> None:
    text = ":".join(parts)
    try:
        there = int(ipaddress.IPv6Address(text)) >= 1 << 32
    except ValueError:
        there = False
    there = there and re.search("[0-9]", text) is not None and (text.count(":") > 3 or re.match("[0-9A-Fa-f]{3,4}:", text) is not None)
    assert ipv6(text.encode()) == there
