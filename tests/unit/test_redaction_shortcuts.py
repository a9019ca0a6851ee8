"""Short cuts before the close look: gates, triggers that leave words alone, borders of messages by what stands at them, plain assignments."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor, rules
from collector.redaction.compiled import best_borders
from collector.redaction.gates import SMALL
from collector.redaction.matching import Span
from collector.redaction.rules import load
from collector.redaction.seams import borders, listed_borders, messages
from collector.redaction.second_look import near_marks, stretches
from collector.redaction.secrets import assignment_handler
from collector.redaction.spelled import spelled_out

REDACTOR = Redactor()
PROSE = "The quick brown fox jumps over the lazy dog, and nothing of it is anybody's. "
FEW = (  # few digits, or few capitals
    "1.1.1.1", "10.0.0.1", "8.8.8.8", "PAN ABCPK1234F", "203[.]0[.]113[.]9", "1[.]1[.]1[.]1", "219-09-9999", "call (202) 555-0143",
    "sort code 20-00-12", "born 1.2.75", "to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "wallet 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtVr",
    "0x{h40}", "{h32}-us12", "pat{w14}.{h64}", "M{w23}.{w6}.{w27}", "{h32}-{h8}-{h8}", "RSSMRA85T10A562S", "AB123456C", "ana@example.org",
    "DE89 3704 0044 0532 0130 00", "bWFpbCBhbmFAZXhhbXBsZS5vcmcgYW5kIHRleHQ=", "dump 616e61406578616d706c652e6f7267",
)  # fmt: skip


@pytest.mark.parametrize("value", [rules.example(value) for value in FEW])
def test_what_is_found_in_a_small_text_is_found_wherever_it_stands_in_a_large_batch(value: str) -> None:
    alone = REDACTOR.redact_batch([f"x {value} y"])[0]
    assert value not in alone
    filler = PROSE * (SMALL // len(PROSE) + 2)
    texts = [f"{'.' * k} x {value} y" for k in range(17)]
    assert REDACTOR.redact_batch([filler, *texts, filler])[1:-1] == [f"{'.' * k} {alone}" for k in range(17)]
    assert REDACTOR.redact_batch([filler, texts[3]])[1] == f"... {alone}"  # at the very end


@pytest.mark.parametrize("rule", [rule for rule in load() if rule.mixed], ids=lambda rule: rule.id)
def test_words_behind_a_prefix_set_nothing_off_and_keys_that_begin_with_letters_do(rule: rules.Rule) -> None:
    scanner = REDACTOR._finder.scanner  # pyright: ignore[reportPrivateUsage]
    tail = rules.example("{w36}")
    for prefix in rule.prefix:
        word = f" {prefix}connections".encode()
        assert not list(scanner.hits(b"\0" + word + b"\0", [1], [1 + len(word)]))
        for letters in ("", "abc", "abcdefghijk"):
            assert tail not in REDACTOR.redact_batch([f"{prefix}{letters}7X{tail} is it"])[0]
            assert tail not in REDACTOR.redact_batch([f"use {prefix}{letters}7X{tail} now"])[0]


_END = st.sampled_from(
    ["no more.", "call 555", "sk-", "half a tok", "4111 1111", 'said \\"so\\"', "ana@", "it is\\n", "x_y", "in v2.", "one-way.", "so?!", "Zoë."]
)
_BEGIN = st.sampled_from(["Then", "0143 is it", "abc123", "en of it", "1111 1111", "\\nNext", "example.org", "of the"])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(_BEGIN, _END, st.integers(0, 12)), min_size=2, max_size=5), st.sampled_from([", ", ","]))
def test_borders_of_long_messages_are_those_that_reading_all_strings_gives(parts: list[tuple[str, str, int]], mark: str) -> None:
    contents = [f"{begin}{' and so on it goes' * 16}{' more' * n} {end}" for begin, end, n in parts]
    text = "[" + mark.join(f'{{"role": "user", "content": "{content}"}}' for content in contents) + "]"
    json.loads(text)
    b = f"\0{text}\0".encode()
    hi = len(b) - 1
    places = [at + 8 for at in range(hi) if b[at : at + 8] == b'{"role":' and at > 2]
    found = sorted(view.text for view in listed_borders(b, 1, hi, places))
    assert found == sorted(view.text for view in borders(b, messages(b, 1, hi)))


_MESSAGE = re.compile(next(expression for rule in load() if rule.id == "view-messages" for expression in rule.trigger).encode())
_LAST = st.sampled_from(
    [
        ".",
        "?",
        " word",
        " Some",
        "",
        " 4111 ",
        " 12.",
        " abc-",
        " x@",
        ' \\"so\\".',
        "\\",
        "\\n",
        " third-pa",
        " https://example.org/So",
        " token=",
        ". " * 25,
        " Zoë",
        " foo(bar",
        " [EMAIL]",
    ]
)
_FIRST = st.sampled_from(["Then", "word ", " ", "1111 1111", "abc123", "ata, so", "tail@example.org", "", "-", "(x", "x" * 11 + " ", "KMNP and", "ß"])
_OPENING = st.sampled_from(
    [
        '"}, {"role": "user", "content": "',
        '"},{"role":"assistant","content":"',
        '"}, { "type": "text", "text": "',
        '"}, {"id": 123456, "role": "user", "index":1, "name": "a.b-c_d", "content": "',
        '"}, {"id": 1234567, "content": "',
        '"}, {"role": "a b", "content": "',
        '" }, {"role": "user", "content": "',
        '"}, {"role":"a","type":"b","id":"c","name":"d","index":1,"content":"',
        '"}, {"role": "' + "r" * 65 + '", "content": "',
        '\\"}, {\\"role\\": \\"user\\", \\"content\\": \\"',
    ]
)


@settings(max_examples=1500, deadline=None)
@given(_LAST, _OPENING, _FIRST, st.integers(0, 24), st.integers(0, 24))
def test_a_border_of_which_nothing_is_said_is_one_that_no_value_crosses(last: str, opening: str, first: str, before: int, behind: int) -> None:
    quiet = best_borders()
    if quiet is None:
        pytest.skip("nothing is compiled here")
    left, right = f'[{{"role": "system", "content": "{" and so on it goes" * before}{last}', f'{first}{" and so on it goes" * behind}"}}]'
    b = f"\0{left}{opening}{right}\0".encode()
    hi = len(b) - 1
    for at in range(len(left) - 4, hi):
        m = _MESSAGE.match(b, at)
        if m and quiet(b, [1], [hi], [m.end()])[0]:
            assert not listed_borders(b, 1, hi, [m.end()])


def test_most_borders_between_sentences_need_no_look() -> None:
    quiet = best_borders()
    if quiet is None:
        pytest.skip("nothing is compiled here")
    b = b'\0[{"role": "system", "content": "%b."}, {"role": "user", "content": "Then%b"}]\0' % (
        b" and so on it goes" * 20,
        b" and so on it goes" * 20,
    )
    to = b.index(b', {"role') + len(', {"role')
    assert quiet(b, [1, 1], [len(b) - 1] * 2, [to, to]) == [1, 1]
    b = b.replace(b'goes."}', b'goes to 555-0"}')
    assert quiet(b, [1], [len(b) - 1], [to + 8]) == [0]


_BESIDE = st.lists(
    st.sampled_from(
        ["one two three ", "four, ", "and so on ", "é", "用", "[EMAIL:3f9a1c0277] ", "[1] ", "a=b ", "4111 ", "and more of it " * 9, "\n"]
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(_BESIDE, _BESIDE, st.integers(0, 900)), max_size=6))
def test_the_second_look_at_a_batch_sees_what_it_sees_of_each_text(about: list[tuple[bytes, bytes, int]]) -> None:
    replaced = [[b"w" * far + before, b"[US_SSN]", behind + b"w" * far] for before, behind, far in about]
    found, owners = near_marks(replaced)
    assert sorted(zip(owners, found, strict=True)) == [(k, stretch) for k, pieces in enumerate(replaced) for stretch in stretches(pieces)]


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from(["password", "db_password", "secret", "api_key", "public_key", "max_tokens", "key", "token", "pin", "passwd"]),
    st.sampled_from(["=", ": ", ":", "= "]),
    st.text(st.sampled_from("abcKQxyz0189EXex!#*"), min_size=4, max_size=24),
    st.sampled_from(["", "\n", " ", ".", ";"]),
)
def test_a_plain_assignment_is_judged_as_the_long_way_judges_it(name: str, sign: str, value: str, end: str) -> None:
    rule = next(rule for rule in load() if rule.id == "assignment")
    found: list[list[str]] = []
    for before in (" ", ""):  # the short cut wants a blank before the name
        b = f"\0{before}{name}{sign}{value}{end}\0".encode()
        out: list[Span] = []
        to = b.index(sign[0].encode()) + 1
        assignment_handler(rule)(b, to, 1, len(b) - 1, out)
        found.append([b[a:z].decode() for a, z, _ in out])
    assert found[0] == found[1]


def test_lists_of_addresses_are_found_as_each_address_is() -> None:
    rng = random.Random(4)
    names = ("Main", "Old Mill", "North Park", "Wall", "Sesame", "St James")
    ends = ("Street", "Ave", "Road", "Lane", "Stream", "Way", "Grove", "Stone")
    marks = (", ", "\n", " and ", ". ", " Apt 4, ", " In ")
    pieces = [f"{rng.randint(1, 9999)} {rng.choice(names)} {rng.choice(ends)}{rng.choice(marks)}" for _ in range(400)]
    together = REDACTOR.redact("".join(pieces)).text
    assert together == "".join(REDACTOR.redact_batch([f"{piece}7"])[0][:-1] for piece in pieces)


@pytest.mark.parametrize("trigger", [t for t in rules.triggers(load()) if t.spelled], ids=lambda t: t.rule.id)
def test_a_trigger_spelled_out_is_the_expression(trigger: rules.Trigger) -> None:
    strings = spelled_out(trigger.expression)
    pattern = re.compile(trigger.expression, re.IGNORECASE if trigger.ignore_case else 0)
    assert all(pattern.fullmatch(s) for s in strings)
    rng = random.Random(1)
    alphabet = sorted({bytes([c]) for s in strings for c in s} | {b"A", b" ", b"\xff"})
    for _ in range(2_000):
        text = rng.choice(strings)[: rng.randrange(8)] + b"".join(rng.choice(alphabet) for _ in range(rng.randrange(4)))
        if pattern.fullmatch(text):
            assert any(text.lower().endswith(s) if trigger.ignore_case else text.endswith(s) for s in strings)


@pytest.mark.parametrize("expression", [b"a+", b"a*b", b"a{2}", b"[^a]", b"\\d", b"(a)", b"a)b"])
def test_what_has_too_many_strings_is_not_spelled_out(expression: bytes) -> None:
    with pytest.raises(ValueError, match="spelled out"):
        spelled_out(expression)


@pytest.mark.parametrize(
    ("noise", "number", "cut"),
    [
        ("7164864/811218-9875", "7164864/811218-9876", "7164864/[NATIONAL_ID]"),
        ("52-736028/5164", "52-736028/5163", "52-[NATIONAL_ID]"),
        ("77 85.07.30-033.29", "77 85.07.30-033.28", "77 [NATIONAL_ID]"),
        ("9-900101-9234567", "9-900101-1234567", "9-[NATIONAL_ID]"),
        ("44 102-555-0143", "44 202-555-0143", "44 [PHONE]"),
        ("2 000-12-3456", "2 219-09-9999", "2 [US_SSN]"),
    ],
)
def test_of_digits_whose_layout_may_be_a_number_their_checks_tell(noise: str, number: str, cut: str) -> None:
    assert REDACTOR.redact(f"seen in {noise} once").text == f"seen in {noise} once"
    assert REDACTOR.redact(f"seen in {number} once").text == f"seen in {cut} once"
