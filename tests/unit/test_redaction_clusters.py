"""Clusters of digits judged many at once: what compiled code tells of them is what a look at each finds."""

from __future__ import annotations

import ctypes
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.redaction import Redactor, budget, compiled, rules
from collector.redaction.checksums import card
from collector.redaction.layouts import CARD, KINDS, SLOTS, key_of
from collector.redaction.validators import VALIDATORS

SOURCE, CHECKS = (Path(compiled.__file__).with_name(name) for name in ("clusters.c", "check_digits.c"))
needs_library = pytest.mark.skipif(compiled.load() is None, reason="nothing was compiled with this installation: no C compiler")

SEPARATORS = [
    *(
        " ",
        ", ",
        "\n",
        "\r\n",
        "\t",
        " | ",
        "; ",
        ",",
        "\n\n",
        "  ",
        " and ",
        " or ",
        ": ",
        " - ",
        "\\n",
        "%20",
        "/",
        " (",
        "(",
        ")",
        "T",
        ":",
        ".",
        " x",
        "x",
    ),
    *("#", "+", " +", "$", "€", "\u00a0", "&nbsp;", "\u2009", "[PHONE] ", "[CREDIT_CARD], ", "[US_SSN] "),
]
WORDS = [
    *(
        "order",
        "call me",
        "part",
        "invoice",
        "total",
        "ticket",
        "phone",
        "page",
        "office",
        "the",
        "and",
        "id",
        "lot",
        "ref",
        "nhs",
        "USD",
        "isbn",
        "tel",
    ),
    *("mobile", "fax", "konto", "card", "visa", "version", "years", "ssn", "iban", "cpf", "Telefon", "numéro", "x12", "sha1", "ext"),
]


def number(rng: random.Random) -> str:
    """Digits as people write them, or nearly."""

    def d(n: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(n))

    first = rng.choice("23456789")
    forms: list[Callable[[], str]] = [
        lambda: f"({first}{d(2)}) {first}{d(2)}-{d(4)}",
        lambda: f"{rng.choice(['', '1-', '+1-'])}{first}{d(2)}-{first}{d(2)}-{d(4)}",
        lambda: f"+{rng.choice(['44', '49', '33', '999', '7'])}{rng.choice(['', ' ', '-'])}{d(rng.randrange(1, 5))} {d(rng.randrange(3, 9))}",
        lambda: f"0{first}{d(2)}{rng.choice(' /')}{d(rng.randrange(6, 8))}",
        lambda: f"+33 {first} {d(2)} {d(2)} {d(2)} {d(2)}",
        lambda: d(rng.randrange(1, 21)),
        lambda: f"{d(4)} {d(4)} {d(4)} {d(4)}",
        lambda: f"{d(3)}-{d(2)}-{d(4)}",
        lambda: f"20{d(2)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        lambda: rng.choice(["4111 1111 1111 1111", "4111111111111111", "219-09-9999", "3782 822463 10005", "529.982.247-25", "756.9217.0769.85"]),
        lambda: rng.choice("-. /_()").join(d(rng.randrange(1, 6)) for _ in range(rng.randrange(2, 8))),
        lambda: ".".join(str(rng.randrange(300)) for _ in range(4)),
        lambda: f"{rng.choice(['19', '20'])}{d(2)}",
        lambda: f"00{rng.choice(['44', '49', '1'])} {d(3)} {d(rng.randrange(3, 8))}",
        lambda: f"{d(3)} {d(4)}",
    ]
    return rng.choice(forms)()


def text(rng: random.Random) -> str:
    """Numbers in lists of one kind or of several, among words or not."""
    kind, separator = rng.randrange(4), rng.choice(SEPARATORS[:9])
    few = [number(rng) for _ in range(rng.randrange(1, 9))]
    parts: list[str] = []
    for _ in range(rng.randrange(20, 110)):
        parts.append(rng.choice(few) if kind == 1 else number(rng))
        chance = rng.random()
        usual = 0.9 if kind == 0 else 0.5
        parts.append(separator if chance < usual else rng.choice(SEPARATORS) if chance < 0.95 else f" {rng.choice(WORDS)} ")
        if kind == 3 and rng.random() < 0.3:
            parts.append(f"{rng.choice(WORDS)} ")
    return "".join(parts)


def one_by_one() -> Redactor:
    """A redactor that looks at each cluster."""
    redactor = Redactor()
    redactor._finder._placing._many = None  # pyright: ignore[reportPrivateUsage]
    return redactor


@pytest.fixture
def many_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts may have as many closer looks as they need."""
    monkeypatch.setattr(budget, "LOOKS", 1e9)
    monkeypatch.setattr(budget, "LAYOUTS", 1e9)


@needs_library
@pytest.mark.usefixtures("many_looks")
@pytest.mark.parametrize("seed", range(6))
def test_many_at_once_are_what_each_of_them_is(seed: int) -> None:
    rng = random.Random(seed)
    many, single = Redactor(), one_by_one()
    for _ in range(25):
        texts = [text(rng) for _ in range(rng.choice([1, 3]))]
        many.forget()
        single.forget()
        assert many.redact_batch(texts) == single.redact_batch(texts)


@needs_library
@pytest.mark.usefixtures("many_looks")
def test_more_layouts_than_are_kept_are_told_alike() -> None:
    rng = random.Random(11)
    rows = [
        f"{rng.randrange(10 ** rng.randrange(1, 6))}-{rng.randrange(10 ** rng.randrange(1, 7))}/{rng.randrange(10 ** rng.randrange(1, 8))}"
        for _ in range(2 * SLOTS)
    ]
    assert len({key_of(row.encode()) for row in rows}) > SLOTS // 3
    lists = [" ; ".join(rows[i : i + 128]) for i in range(0, len(rows), 128)]
    many, single = Redactor(), one_by_one()
    for listed in lists:
        assert many.redact(listed) == single.redact(listed)


@pytest.mark.parametrize("make", [Redactor, one_by_one], ids=["many", "single"])
@pytest.mark.parametrize("separator", ["\n", " ", "\r\n"], ids=["lines", "blanks", "windows"])
def test_no_number_of_a_long_list_is_cut_in_two(make: Callable[[], Redactor], separator: str) -> None:
    rng = random.Random(5)
    numbers = [f"0{rng.choice('23456789')}{rng.randrange(10, 99)}/{rng.randrange(10**6, 10**7)}" for _ in range(900)]
    found = make().redact(separator.join(numbers))
    assert found.text == separator.join(["[PHONE]"] * 900)


@needs_library
@pytest.mark.parametrize("prefix", ["order ", "ref. ", ""])
def test_a_word_that_refuses_the_whole_does_not_refuse_a_part_of_it_that_stands_further_off(prefix: str) -> None:
    row = f"{prefix}1-604-273-8157, "
    assert Redactor().redact(row * 40).text == one_by_one().redact(row * 40).text


def test_what_is_told_in_c_is_of_the_classes_of_the_rules() -> None:
    for rule in rules.load():
        if rule.kind == "number" and not rule.words:
            assert VALIDATORS[rule.validator] in KINDS, rule.id
            assert rule.class_name == ("US_SSN" if rule.validator == "ssn" else "NATIONAL_ID"), rule.id
        if rule.handler == "number":
            assert rule.class_name == "PHONE"


@pytest.mark.hurried
@needs_library
def test_layouts_that_are_all_new_are_given_up_in_time() -> None:
    rng = random.Random(2)
    separators = [" ", "-", ".", "/", "_", "*", " -", "- ", "--"]
    rows = ["".join(f"{rng.randrange(10 ** rng.randrange(1, 4))}{rng.choice(separators)}" for _ in range(7)) + "7" for _ in range(6_000)]
    listed = ", ".join(rows)
    redactor = Redactor()
    begin = time.thread_time()
    found = redactor.redact(listed)
    assert found.dropped in (None, "time", "candidates")
    assert time.thread_time() - begin < 1.0  # a quarter of a second is promised; a busy machine takes longer


@needs_library
def test_check_digits_are_told_as_in_python() -> None:
    library: Any = compiled.load()
    rng = random.Random(3)
    for _ in range(30_000):
        n = rng.choice([9, 10, 11, 12, 13, 14, 15, 16, 18, 19])
        digits = rng.choice(["", "", "4", "62", "756", "20", "2", "000"]) + "".join(rng.choice("0123456789") for _ in range(n))
        if rng.random() < 0.4:  # with a date in it
            date = f"{rng.randrange(1900, 2110)}{rng.randrange(14):02}{rng.randrange(34):02}"
            digits = rng.choice(["", digits[:6]]) + date[rng.choice([0, 2]) :] + digits
        if rng.random() < 0.02:
            digits = digits[0] * n
        _told_alike(library, digits[:n])


@needs_library
def test_issuers_are_told_as_in_python() -> None:
    library: Any = compiled.load()
    for first in range(10_000):
        for n in range(12, 20):
            body = f"{first:04d}" + "0" * (n - 5)
            _told_alike(library, next(f"{body}{k}" for k in range(10) if _luhn(f"{body}{k}")))


def _luhn(digits: str) -> bool:
    return sum(int(c) if i % 2 == 0 else sum(divmod(2 * int(c), 10)) for i, c in enumerate(reversed(digits))) % 10 == 0


def _told_alike(library: Any, digits: str) -> None:
    raw = (ctypes.c_uint8 * len(digits))(*map(int, digits))
    assert bool(library.spanledger_number(CARD, raw, len(digits))) == card(digits), digits
    for check in KINDS:
        assert bool(library.spanledger_number(KINDS[check], raw, len(digits))) == _valid(check, digits), (check, digits)


def _valid(check: Callable[[str], bool], digits: str) -> bool:
    lengths = {
        "ssn": [9],
        "cpf": [11],
        "cnpj": [14],
        "nir": [15],
        "be_rrn": [11],
        "ahv": [13],
        "cuit": [11],
        "aadhaar": [12],
        "cn_id": [18],
        "rrn": [13],
    }
    return len(digits) in lengths.get(check.__name__, [9, 10] if check.__name__ == "rodne_cislo" else [10, 12]) and check(digits)


_HARNESS = r"""
#include <stdio.h>
#include <stdlib.h>
static uint64_t key_of(const uint8_t *p, int64_t n, uint8_t *key) {
    uint64_t hash = 14695981039346656037u;
    for (int64_t k = 0, in = 0; k < n; k++) {
        in = digit(p[k]) ? in + 1 : 0;
        key[k] = !digit(p[k]) ? p[k] : p[k] == '0' && in < 3 ? '0' : '1';
        hash = (hash ^ key[k]) * 1099511628211u;
    }
    return hash;
}
int main(void) {
    static Layout layouts[SLOTS];
    static uint8_t countries[1000], text[6000];
    int known = 0;
    for (int i = 0; i < 1000; i += 3) countries[i] = 1;
    const int64_t room = GROUPS + 3;
    const char *parts[] = {"202-555-0143", "1", "12", "4111 1111 1111 1111", "+44 7700 900123", "2026-03-14", "2026-03-14 12", "0",
                           "529.982.247-25",
                           "7", "1 2 3 4", "12345678901234567890", " ", "\n", "\r\n", "(", ") ", "-", "/", ".", "\t", "+", "%20", "\\n", "a", "ext",
                           "$", "\xc3\xa9", ":", "T", ", ", ";", "_", "*", "000"};
    for (int round = 0; round < 3000; round++) {
        const int64_t most = round % 10 ? 400 : 5000;
        int64_t size = 0;
        while (size < most) {
            const char *part = parts[(size_t)rand() % (round % 3 ? sizeof parts / sizeof *parts : 14)];
            memcpy(text + size, part, strlen(part)), size += (int64_t)strlen(part);
        }
        uint8_t *b = calloc((size_t)size + 2, 1);
        memcpy(b + 1, text, (size_t)size);
        Told *told = malloc((size_t)room * sizeof *told);
        int64_t *ats = malloc((size_t)(size + 1) * 3 * sizeof *ats), n = 0;
        for (int64_t at = 2; at <= size + 1; at += 1 + rand() % 7) ats[n++] = at;
        int64_t *los = ats + n, *his = los + n;
        for (int64_t i = 0; i < n; i++) los[i] = 1, his[i] = size + 1;
        uint64_t *words = malloc((size_t)((size + 2) / BLOCK + 1) * sizeof *words);
        for (int64_t i = 0; i <= (size + 2) / BLOCK; i++) words[i] = rand() % 3 ? 0 : ~(uint64_t)0 << rand() % 64;
        State s = {.layouts = layouts, .countries = countries, .told = told, .words = rand() % 4 ? words : 0, .room = room, .phones = 34};
        for (int more = 0; more < 1; s.count = 0) {
            more = spanledger_clusters(&s, b, n, ats, los, his);
            if (s.count > room) return 3;
            for (int64_t i = 0; i < s.count; i++)
                if (told[i].start < 0 || told[i].end > size + 1 || told[i].start > told[i].end) return 4;
            if (more >= 0) continue;
            if (s.unknown_size > KEY || s.unknown_size < 1) return 5;
            if (known == SLOTS / 2) memset(layouts, 0, sizeof layouts), known = 0;
            uint8_t key[KEY] = {0};
            uint64_t slot = key_of(b + s.unknown, s.unknown_size, key) >> 20;
            while (layouts[slot % SLOTS].size) slot++;
            Layout *l = layouts + slot % SLOTS;
            int digits = 0;
            for (int k = 0; k < KEY; k++) digits += digit(key[k]);
            l->size = (uint8_t)s.unknown_size, l->whole = rand() & 1, l->beyond = rand() % 9 == 0, known++;
            memcpy(l->key, key, KEY);
            for (; l->checks < CHECKS && rand() % 3; l->checks++) {
                Check *c = l->check + l->checks;
                c->kind = (uint8_t)(rand() % (OTHER + 1)), c->country = rand() % 3 ? 255 : 2;
                c->first = (uint8_t)(rand() % digits), c->past = (uint8_t)(c->first + 1 + rand() % (digits - c->first));
                if (c->past - c->first > DIGITS) c->past = c->first + DIGITS;
                for (int k = 0; k <= DIGITS; k++) c->allowed[k] = (uint16_t)(rand() % 5 ? 0x3FF : rand());
            }
        }
        free(told), free(words), free(ats), free(b);
    }
    return 0;
}
"""


def test_it_stays_within_its_memory(sanitized: Callable[..., None]) -> None:
    sanitized(f'#include "{SOURCE}"\n{_HARNESS}', CHECKS)
