"""Numbers of texts too full of them for a look at each: all go, nothing that a look would find stays, and the looks are bounded."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from collector.redaction import Redactor, budget, compiled, many_numbers
from collector.redaction.budget import Budget
from collector.redaction.placeholders import PLACEHOLDER
from collector.redaction.rough_numbers import all_numbers, numbers_read
from tests.unit.test_redaction_clusters import needs_library, text

SOURCE = compiled.LIBRARY.with_name("rough_numbers.c")
DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")


def looks(monkeypatch: pytest.MonkeyPatch, most: float) -> None:
    """Texts may have so many closer looks."""
    for name in ("LOOKS", "LAYOUTS"):
        monkeypatch.setattr(budget, name, most)
    for name in ("_OWN_LOOKS", "_OWN_LAYOUTS", "_OWN_ASKED"):
        monkeypatch.setattr(many_numbers, name, most)


@needs_library
@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_a_closer_look_finds_stays(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    exact, rough = Redactor(), Redactor()
    for _ in range(25):
        said = text(rng)
        looks(monkeypatch, 1e9)
        found = exact.redact(said)
        looks(monkeypatch, -1e9)
        gone = {at for entity in rough.redact(said).entities for at in range(entity.start, entity.end)}
        for entity in found.entities:
            value = said[entity.start : entity.end]
            if len(re.findall(r"\d", value)) >= 6 and not DATE.search(value) and "DIGITS" not in found.text:
                assert all(at in gone for at in range(entity.start, entity.end) if said[at].isdigit()), (entity, value)


@needs_library
@pytest.mark.parametrize("seed", range(4))
def test_what_has_been_taken_roughly_is_stable_and_equal_in_both_engines(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, -1e9)
    rng = random.Random(100 + seed)
    for _ in range(10):
        said = text(rng)
        first = Redactor().redact(said)
        assert first.dropped is None
        assert Redactor().redact(first.text).text == first.text
        assert Redactor(engine="re2").redact(said).text == first.text


@needs_library
def test_a_list_of_worded_numbers_takes_no_more_looks_for_being_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    for name in ("_look", "_cluster"):
        real = getattr(many_numbers._Taking, name)  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(many_numbers._Taking, name, lambda self, row, real=real: (taken.append(1), real(self, row))[1])  # pyright: ignore[reportPrivateUsage]
    rng = random.Random(7)
    redactor = Redactor()
    said = "".join(
        f"call me {rng.randrange(200, 999)}-{rng.randrange(200, 999)}-{rng.randrange(1000, 9999)} 4{rng.randrange(10**6)}\n" for _ in range(3_000)
    )
    assert "[DIGITS]" in redactor.redact(said).text
    assert len(taken) <= 8 + len(said) / 64 + 128  # half of what a look at each takes


def rows(make: Callable[[random.Random, int], str], n: int = 700, seed: int = 5) -> str:
    rng = random.Random(seed)
    return "".join(make(rng, i) for i in range(n))


TABLES = {
    "integers between tabs": rows(lambda r, i: f"{i}\t{r.randrange(9999)}\t{r.randrange(99999)}\t{r.randrange(9999999)}\n"),
    "edges of a graph": rows(lambda r, _: f"{r.randrange(10**5)} {r.randrange(10**5)} {r.randrange(10**5)}\n"),
    "colours": rows(lambda r, i: f"{r.randrange(256):3d} {r.randrange(256):3d} {r.randrange(256):3d}\t\tcolour {'model' * (i % 9 == 0)}\n"),
    "objects": rows(lambda r, _: f'{{"id": {r.randrange(10**8, 10**9)}, "parent": {r.randrange(10**8, 10**9)}}}, '),
    "inserts": rows(lambda r, i: f"({i}, {r.randrange(10**9)}, '2026-03-14 10:{i % 60:02d}:11', {r.randrange(10**9)}),\n"),
    "snowflakes": rows(lambda r, _: f"<@{r.randrange(3 * 10**17, 7 * 10**17)}> the model\n"),
    "article numbers": rows(lambda r, i: f"{['page', 'order', 'lot'][i % 3]};{r.randrange(10**12, 10**13)};{r.randrange(99)}\n"),
    "a path": rows(lambda r, i: f"{'MLCQ'[i % 4]} {r.randrange(1000)} {r.randrange(1000)} {r.randrange(1000)} {r.randrange(1000)} "),
    "a matrix": rows(lambda r, i: f"{r.randrange(100)}{'; ' if i % 6 == 5 else ' '}", 3000),
    "weather": rows(lambda r, i: f"202603{i % 28 + 1:02d} {r.uniform(-9, 30):5.1f} {r.uniform(-9, 30):5.1f} {r.randrange(9999):04d}\n"),
}


@needs_library
@pytest.mark.parametrize("name", TABLES)
def test_tables_of_numbers_are_looked_at_with_few_looks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    real = many_numbers._Taking._cluster  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(many_numbers._Taking, "_cluster", lambda self, row: (taken.append(1), real(self, row))[1])  # pyright: ignore[reportPrivateUsage]
    said, redactor = TABLES[name], Redactor()
    redactor.redact(said)  # layouts are learned, as many at a time as there is time for
    redactor.forget()
    taken.clear()
    found = redactor.redact(said)
    assert found.dropped is None
    assert "[DIGITS]" not in found.text
    assert len(found.entities) < 20  # what random digits happen to make
    assert len(taken) * 200 < len(said)


@needs_library
def test_a_table_at_the_begin_of_a_text_is_as_good_as_one_further_on(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(many_numbers._Taking, "_cluster", lambda *_: taken.append(1))  # pyright: ignore[reportPrivateUsage]
    said = "".join(f"{i * 7919 % 100000:05d} {i * 104729 % 1000:03d}\n" for i in range(300))
    Redactor().redact(said)
    assert not taken


@needs_library
def test_a_single_text_whose_time_is_up_loses_its_numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = Budget.roughly

    def roughly(self: Budget) -> bool:
        asked.append(1)
        return real(self)

    monkeypatch.setattr(Budget, "over", lambda *_: not asked)
    monkeypatch.setattr(Budget, "roughly", roughly)
    said = "".join(f"call {i * 7919 % 10**7:07d}, id {i * 104729 % 10**9:09d}\n" for i in range(200))
    found = Redactor().redact(f"mail ana@example.org\n{said}")
    assert found.dropped is None
    assert found.text.startswith("mail [EMAIL]\ncall [DIGITS], id [DIGITS]\n")


@pytest.mark.parametrize(
    "said",
    [
        "".join(f'{{"id": {10**8 + 7919 * i}, "order": "{i:06d}-{i * 37 % 10**5:05d}", "at": "2026-03-{i % 28 + 1:02d}"}},\n' for i in range(90)),
        "".join(f"2026-03-{i % 28 + 1:02d} 10:{i % 60:02d}:12 INFO request {10**9 + 104729 * i} took {i % 977} ms\n" for i in range(900)),
        "".join(f"| {i} | 2026-0{i % 9 + 1}-14 | {i * 104729 % 10**9} | {i % 89}.{i % 10}0 |\n" for i in range(900)),
    ],
)
def test_tables_and_logs_as_programs_write_them_are_looked_at(said: str) -> None:
    assert "[DIGITS]" not in Redactor().redact(said).text


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("on 2026-03-14, 4711 and 12 345", []),
        ("(202) 555-0143 x12, 4711-0815", ["(202) 555-0143 x12", "4711-0815"]),
        ("[PHONE:0123456789] 123456", ["123456"]),
        ("\n".join(["+49 30 12345678"] * 8), ["+49 30 12345678"] * 8),
        ("4111 1111\n1111 1111", ["4111 1111\n1111 1111"]),
        ("12\n345\n6" + "\n1" * 40, ["12\n345\n6" + "\n1" * 40]),
    ],
)
def test_all_numbers(said: str, found: list[str]) -> None:
    assert [said[a:z] for a, z, _ in all_numbers(said.encode(), 0, len(said))] == found


PIECES = [
    *"01+# .-()\t\r\n_/*x,a[]%é\\\u2010\u2015\u2016\u202f\u2212\u3000\u00a0\u2019",
    *("22", "333", "12345", "+(", "ext. ", " X 12", "2026-03-14", "\\n", "\\\\r", "\\x", "&nbsp;", "&nb", "%20", "%2D", "%2E", "%2"),
    *("[PHONE]", "[PHONE:0123456789]", "[A", "[AB", "[AB:abc]", "[AB:_cde]", "[AB:0123456]", "[AB:12345678", "[AB1:abcdefab]"),
]


@needs_library
@pytest.mark.parametrize("seed", range(4))
def test_what_is_compiled_reads_as_the_patterns_do(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(5_000):
        b = "".join(rng.choice(PIECES) if rng.random() < 0.6 else rng.choice("0123456789") for _ in range(rng.randrange(60))).encode()
        lo, hi = sorted((rng.randrange(4), len(b) - rng.randrange(4)))
        if 0 <= lo <= hi:
            assert all_numbers(b, lo, hi) == numbers_read(b, lo, hi), (b, lo, hi)


_HARNESS = r"""
#include <stdlib.h>
int main(void) {
    const char *parts[] = {"1", "2345", "[AB", ":", "]", "abc", "01234567", "%", "2", "0", "&nbsp;", "\\", "n", "\xe2", "\x80", "\xe3", "\xc2\xa0",
                           "+", "(", " ", "-"};
    for (int round = 0; round < 200000; round++) {
        uint8_t text[64];
        int64_t size = 0;
        while (size < 40) {
            const char *part = parts[(size_t)rand() % (sizeof parts / sizeof *parts)];
            memcpy(text + size, part, strlen(part)), size += (int64_t)strlen(part);
        }
        size = rand() % 40;
        uint8_t *b = malloc((size_t)size);
        memcpy(b, text, (size_t)size);
        Number *into = malloc((size_t)(size / FEWEST + 1) * sizeof *into);
        const int64_t n = spanledger_numbers(b, 0, size, into);
        for (int64_t i = 0; i < n; i++)
            if (into[i].start < (i ? into[i - 1].past : 0) || into[i].past > size || into[i].past - into[i].start < FEWEST) return 1;
        free(b), free(into);
    }
    return 0;
}
"""


def test_it_stays_within_its_memory(sanitized: Callable[..., None]) -> None:
    sanitized(f'#include "{SOURCE}"\n{_HARNESS}')


def test_their_class_is_a_placeholder() -> None:
    assert PLACEHOLDER.fullmatch(b"[DIGITS]")


NUMBERS = ["PHONE", "CREDIT_CARD", "US_SSN", "NATIONAL_ID", "BANK_ACCOUNT"]


@needs_library
def test_numbers_stay_where_none_of_their_classes_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, -1e9)
    said = "".join(f"call me 0{i + 2000} {i % 7}1-{i + 10**4} 4711 {i + 10**5}\n" for i in range(100))
    assert "[DIGITS]" in Redactor().redact(said).text
    assert "[DIGITS]" in Redactor(disable=NUMBERS[1:]).redact(said).text
    assert Redactor(disable=NUMBERS).redact(said).text == said
