"""Dense texts are read in columns: what these find is what one close look after the other finds."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.checksums import IBAN_LENGTH, iban
from collector.redaction.contact import top_level_domains
from collector.redaction.html_tables import unwrap_table
from collector.redaction.matching import Span
from collector.redaction.placeholders import resolve
from collector.redaction.plain import plain_values
from collector.redaction.plain_secrets import plain_assignments
from collector.redaction.rules import load
from collector.redaction.second_look import masked, stretches
from collector.redaction.secrets import assignment_handler
from collector.redaction.views import decode

REDACTOR = Redactor()
_EMAIL = re.compile(  # what the columns say, in one pattern
    rb"[A-Za-z](?:[A-Za-z0-9._+\-]{0,60}+(?<=[A-Za-z0-9]))?@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,60}+\.){1,6}([A-Za-z]{2,24}+)"
    rb"(?=[\0 \t\r\n,;|\"'<>]|\.[\0 \r\n])"
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["ana", "B.o-", "9", ".", "..", "@", "@", "org", "de", "nosuchending", "a" * 61, ",", " ", '"', "<", ">", "\n", "ä", "_", "+x"]
        ),
        max_size=14,
    )
)
def test_addresses_read_in_columns_are_those_of_one_pattern(parts: list[str]) -> None:
    b = f"\0{''.join(parts)}\0".encode()
    out: list[Span] = []
    plain_values(b, 1, len(b) - 1, out)
    expected: list[Span] = []
    for m in re.finditer(rb"[^\0 \t\r\n,;|\"'<>]+", b):
        found = _EMAIL.match(b, m.start())
        if found and (len(found[1]) == 2 or found[1].lower() in top_level_domains()):
            expected.append((*found.span(), "EMAIL"))
    assert [span for span in out if span[2] == "EMAIL"] == expected


_NAMES = [
    "password",
    "db_password",
    "secret",
    "api_key",
    "public_key",
    "max_tokens",
    "key",
    "token",
    "pin",
    "passwd",
    "user",
    '"password"',
    'password"',
    "str",
    "db.password",
    "contraseña",
    "x" * 50 + "password",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", " ", "\n", ", ", "{", "-", "&", "?a=b&", "x" * 44 + "&", "y" * 44 + '{"', "z" * 37 + "/"]),
            st.sampled_from(_NAMES),
            st.sampled_from(["=", ": ", ":", "= ", '="', ': "', ":'", ":  "]),
            st.text(st.sampled_from("abcKQxyz0189EXex!#*["), min_size=4, max_size=24)
            | st.text(st.sampled_from("aKx01_-#%@^~=?!$&+/.:b2"), min_size=4, max_size=24)
            | st.sampled_from(["[EMAIL]", "a1" * 40, "AWS4-HMAC-SHA256 x", "getenv1(", "token a1b2c3d4", "os.env1b2c", "x1${abc2}"]),
            st.sampled_from(["", "\n", " ", ".", ";", '"', "'", "\0", '",', ",", "&x=", ")", "}", "\\n", "<", "|", "`"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_assignments_read_in_columns_are_judged_as_one_by_one(parts: list[tuple[str, str, str, str, str]]) -> None:
    rule = next(rule for rule in load() if rule.id == "assignment")
    handle = assignment_handler(rule)
    b, tos = b"\0", []
    for before, name, sign, value, end in parts:
        b += f"{before}{name}{sign[0] if sign[0] in ':=' else ''}".encode()
        tos.append(len(b))
        b += f"{sign[1:]}{value}{end}".encode()
    b += b"\0"
    out: list[Span] = []
    done = plain_assignments(b, np.array(tos), np.ones(len(tos), np.int64), rule.class_name, out)
    taken = {a: z for a, z, _ in out}
    for to, read in zip(tos, done.tolist(), strict=True):
        alone: list[Span] = []
        handle(b, to, 1, len(b) - 1, alone)
        if read:
            assert [(a, taken.get(a)) for a, _, _ in alone] == [(a, z) for a, z, _ in alone]
        else:
            assert not any(b[to:a].strip(b" \"'") == b"" and to <= a for a in taken if a - to < 3)


_PIECES = [
    "ana",
    "\\u0040",
    "%40",
    "&#64;",
    "example.org",
    "４１１１",
    "\u200b",
    "é",
    "🙂",
    " ",
    "<b>",
    "\\n",
    "٤",
    "ﬁ",
    "&amp;#64;",
    "=\n",
    "\\ud835\\udfd2",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_many_places_of_a_view_are_traced_back_as_each_is(parts: list[str], rng: random.Random) -> None:
    view = decode("".join(parts).encode(), 7, 0)
    if view is None:
        return
    edges = np.flatnonzero((np.frombuffer(view.text.encode() + b"\0", np.uint8) & 0xC0) != 0x80).tolist()
    spans = [(*sorted(rng.choices(edges, k=2)), "X") for _ in range(20)]
    spans = [(a, z, name) for a, z, name in spans if a < z]
    assert view.spans(spans) == [(a, z, "X") for start, end, _ in spans for a, z in view.back(start, end)]


def _table(rng: random.Random, rows: int, heads: str) -> str:
    plain = "".join(
        f"<tr><td>u{i}</td><td>{rng.choice(['', ' Kj82mQpx77 ', '[EMAIL]', 'Kj82mQpx7', '&nbsp;x9y8z7'])}</td><td>{i}</td></tr>" for i in range(rows)
    )
    return f"<table><tr>{heads}</tr>{plain}</table>"


@pytest.mark.parametrize("rows", [1, 3, 4, 50, 5_200])
@pytest.mark.parametrize(
    "heads",
    [
        "<th>user</th><th>password</th><th>n</th>",
        "<td>user</td><td>password</td><td>n</td>",
        "<th>password</th>",
        "<th>id</th><th>x</th><th>pin</th>",
    ],
)
def test_rows_of_plain_cells_say_what_rows_with_attributes_say(rows: int, heads: str) -> None:
    table = _table(random.Random(rows), rows, heads)
    read: list[list[bytes]] = []
    for text in (table, table.replace("<td>", "<td >")):
        b = f"\0{text}\0".encode()
        to = b.index(b"</tr>") + 4
        _, derived, _ = unwrap_table(b, to, 1, len(b) - 1)
        lines: list[bytes] = []
        for told, back in derived:
            values = [m.span() for m in re.finditer(rb"(?<=: )[^\n]+", told)]
            places = back([(a, z, "X") for a, z in values])
            assert [b[a:z] for a, z, _ in places] == [told[a:z] for a, z in values]
            lines += told.split(b"\n")
        read.append(lines)
    assert read[0] == read[1]


def test_tables_between_other_rows_are_read_on() -> None:
    rows = "".join(f"<tr><td>u{i}</td><td>Kj82mQpx{i:03d}</td></tr>" for i in range(40))
    text = f"<table><tr><th>user</th><th>password</th></tr>{rows}<tr class=odd><td>x</td><td><b>Zz19283746</b></td></tr>{rows}</table> Kj82mQpx001"
    redacted = REDACTOR.redact(text).text
    assert redacted.count("[SECRET_ASSIGN]") == 81
    assert redacted.endswith("</table> Kj82mQpx001")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.sampled_from(["EMAIL", "PHONE", "API_KEY"])), max_size=12))
def test_spans_that_overlap_become_one_and_others_stay(parts: list[tuple[int, int, str]]) -> None:
    b = b"\0" + b"x" * 50 + b"\0"
    spans = [(1 + a, min(51, 1 + a + n), name) for a, n, name in parts if n]
    found = resolve(b, 1, 51, spans * 2)
    assert all(a[1] <= z[0] for a, z in pairwise(found))
    assert {k for a, z, _ in found for k in range(a, z)} == {k for a, z, _ in spans for k in range(a, z)}


def test_entries_that_read_alike_are_looked_at_once_and_others_all() -> None:
    pieces = [b"x "]
    for i in range(4_000):
        pieces += [b"[EMAIL:%010x]" % i, b", "]
    assert len(b"".join(stretches(pieces))) < 6_000
    pieces[4_000] = b" 4111111111111111 "
    assert b"4111111111111111" in b"".join(stretches(pieces))
    numbered = [piece if k % 2 else b" row %d, " % k for k, piece in enumerate(pieces)]
    numbered[2_000:2_001] = [b" here row 7, "]
    shorter = b"".join(stretches(numbered))
    assert len(shorter) < 30_000
    assert shorter.count(b"here row 7, ") == 1
    different = [piece if k % 2 else b" %c%c%c " % (97 + k % 26, 97 + k // 26 % 26, 97 + k // 676) for k, piece in enumerate(pieces)]
    assert stretches(different) == [masked(different)]


def test_rows_of_several_values_are_looked_at_until_they_repeat_and_what_stands_before_a_new_one_is_kept() -> None:
    row = [b"[EMAIL:%010x]", b",", b"[PHONE:%010x]", b" 1985-03-%d,x,", b"[US_SSN]", b"\n%d,Ana,"]
    pieces = [b"0,Ana,"]
    for i in range(2_000):
        pieces += [piece % i if b"%" in piece else piece for piece in row]
    plain = b"".join(stretches(list(pieces)))
    assert len(plain) < 40_000
    pieces[9_002] = b" password: "
    shorter = b"".join(stretches(pieces))
    assert len(plain) < len(shorter) < 42_000
    around = masked(pieces[8_950:9_010])
    at = around.index(b"password")
    assert around[at - 200 : at + 40] in shorter


@pytest.mark.parametrize("value", ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947", "FR1420041010050500013M02606"])
def test_an_account_number_with_and_without_letters_is_checked_by_its_remainder(value: str) -> None:
    assert iban(value)
    assert len(value) == IBAN_LENGTH[value[:2]]
    for k in range(2, len(value)):
        assert not iban(value[:k] + ("1" if value[k] != "1" else "2") + value[k + 1 :])


def test_an_empty_message_between_two_halves_stays_empty() -> None:
    head = 'setPassword("{"content":"pwd: string = 4111,1111,eyJhbGciOiJIUzI1NiJ9.e30."},{"role":"user","content":""},'
    redacted = REDACTOR.redact(head + '{"role":"user","content":"-k =Xk9#CrJk0Rsk.eyJ, v4.local"}')
    assert all(entity.start < entity.end for entity in redacted.entities)
    assert '"content":""}' in redacted.text
