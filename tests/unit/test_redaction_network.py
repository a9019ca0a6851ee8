"""Lists of IPv6 and hardware addresses: what is plain is taken at once, and nothing else is."""

from __future__ import annotations

import ipaddress
import random
import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.contact import ipv6
from collector.redaction.plain import plain_values

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
