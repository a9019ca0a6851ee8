"""Gates leave nothing out: compiled or in numpy, redaction says the same as if every scan saw every byte."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from collector.redaction import Redactor, compiled, rules, scan
from collector.redaction.compiled import CompiledGates
from collector.redaction.gates import BlockGates, Gates, Regions

SOURCE = Path(compiled.__file__).with_name("gates.c")
BORDERS = SOURCE.with_name("borders.c")
PROSE = "The quick brown fox jumps over the lazy dog, in 2024 and v1.2.3 of https://example.org/some/long-path/of/it. "
SIGNS = "0123456789abcXYZ:-. /@_+é\n" + "0123456789" + "abcdef"

SEPARATORS = [
    *" -./_*(,:|;+A'~\n\t",
    ") ",
    "\\n",
    "\\\\n",
    "&nbsp;",
    "%20",
    "%2D",
    ", ",
    '","',
    " · ",
    "–",
    "\u00a0",
    "   ",
    " M",
    "",
    "",
    "",
    " to ",
]
HEADS = ["", *'+(vX=#["', "tel ", "IBAN ", "ssn ", "card ", "\\n", "GB", "DE", "gb", "AB ", "RSSMRA", "Z-", "no. ", "000", "0x"]


class Everything:
    """No gate at all."""

    names: frozenset[str] = frozenset(gate for gate, _ in rules.DATABASES)

    def regions(self, buffer: bytes) -> dict[str, Regions | None]:
        """Every scan sees the whole buffer."""
        del buffer
        return dict.fromkeys(self.names)


def _compiled(*, plain: bool = False) -> CompiledGates:
    library = compiled.load()
    if library is None:
        pytest.skip("nothing is compiled here (no C compiler when this was installed, or the sources are newer)")
    return CompiledGates(library, plain=plain)


def _redactor(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> Redactor:
    with monkeypatch.context() as patch:
        patch.setattr(scan, "best_gates", lambda: gates)
        return Redactor()


def _values() -> list[str]:
    """What the rules find, one value or more in each."""
    return [rules.example(text) for rule in rules.load() for text in rule.positives]


@pytest.mark.parametrize("make", [_compiled, BlockGates], ids=["compiled", "numpy"])
def test_what_the_rules_find_is_found_wherever_it_stands(make: type[Gates], monkeypatch: pytest.MonkeyPatch) -> None:
    gated, everywhere = _redactor(make(), monkeypatch), _redactor(Everything(), monkeypatch)
    rng = random.Random(5)
    texts = [f"{'.' * rng.randrange(90)} {value}{' of it' * rng.randrange(3)}" for value in _values() for _ in range(3)]
    texts = [text for value in texts for text in (value, PROSE * rng.randrange(4))]
    assert gated.redact_batch(texts) == everywhere.redact_batch(texts)
    assert [gated.redact_batch([text])[0] for text in texts] == [everywhere.redact_batch([text])[0] for text in texts]


def _cluster(rng: random.Random) -> str:
    """Groups of digits between separators, as numbers of all kinds have them, and what may stand about them."""
    groups = [
        "".join(rng.choice("0123456789") for _ in range(rng.choice((1, 2, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9, 11, 16)))) for _ in range(rng.randrange(1, 7))
    ]
    usual = rng.choice(SEPARATORS)
    between = [usual if rng.random() < 0.8 else rng.choice(SEPARATORS) for _ in groups]
    return (
        rng.choice(HEADS)
        + "".join(said for pair in zip(groups, between, strict=True) for said in pair)
        + rng.choice(("", "A", "XX", " x", ")", "T10:00"))
    )


def test_numbers_of_any_layout_pass_the_compiled_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    gated, everywhere = _redactor(_compiled(), monkeypatch), _redactor(Everything(), monkeypatch)
    rng = random.Random(7)
    texts = [rng.choice((" ", "; ", "\n", " the cat ")).join(_cluster(rng) for _ in range(rng.randrange(1, 5))) for _ in range(3_000)]
    redacted = gated.redact_batch(texts)
    assert redacted == everywhere.redact_batch(texts)
    assert sum(map(str.__ne__, texts, redacted)) > 300  # the layouts are such that something is found


def test_days_and_years_are_not_let_through() -> None:
    text = b"\0" + b"x" * 99 + b" on 2026-03-14, (c) 1998-2000 and 2001, 2002 or 2003/04/05; " + b"x" * 99 + b"\0"
    assert not list(_compiled().regions(text)["digits"] or ())
    assert list(_compiled().regions(text.replace(b"03-14", b"13-14"))["digits"] or ())


def test_compiled_gates_say_the_same_with_vector_instructions_and_without() -> None:
    fast, plain = _compiled(), _compiled(plain=True)
    rng = random.Random(6)
    for size in [*range(200), *(rng.randrange(200, 20_000) for _ in range(200))]:
        signs = rng.choice((SIGNS, SIGNS[:14], "abcdefgh ", PROSE))
        buffer = "".join(rng.choice(signs) for _ in range(size)).encode()
        ours, theirs = fast.regions(buffer), plain.regions(buffer)
        for gate, regions in ours.items():
            other = theirs[gate]
            assert (regions is None) == (other is None)
            if regions is not None and other is not None:
                assert list(regions) == list(other)
                assert bytes(regions.cut(buffer)) == b"\0".join([b"", *(buffer[a:z] for a, z in regions), b""]) == bytes(other.cut(buffer))


@pytest.mark.parametrize("make", [_compiled, BlockGates], ids=["compiled", "numpy"])
def test_an_offset_in_what_is_cut_leads_back_to_the_buffer(make: type[Gates]) -> None:
    buffer = b"\0" + b"x 4111 1111 1111 1111 y, ana@example.org; " * 3 + PROSE.encode() * 600 + b" 219-09-9999\0"
    for regions in make().regions(buffer).values():
        if regions:
            text = bytes(regions.cut(buffer))
            ends = np.array([i + 1 for i, c in enumerate(text) if c], np.int64)
            assert bytes(buffer[at - 1] for at in ends + regions.moves(ends)) == text.replace(b"\0", b"")


def test_what_is_built_is_what_is_asked_for() -> None:
    """Else no library would ever be taken, and what is compiled not be tested."""
    hook = SOURCE.parents[2] / "hatch_build.py"
    if not hook.exists():
        pytest.skip("the package is installed without its build hook")
    lines = [node for node in ast.parse(hook.read_text()).body if isinstance(node, ast.Assign)]
    built = [next(ast.literal_eval(line.value) for line in lines if ast.unparse(line.targets[0]) == name) for name in ("SOURCES", "LIBRARY")]
    assert built == [tuple(source.name for source in compiled.SOURCES), compiled.LIBRARY.name]


def test_a_library_of_another_source_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _compiled()
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "digest", lambda: "0" * 64)
        assert compiled.load.__wrapped__() is None
        patch.setattr(compiled, "LIBRARY", SOURCE)
        assert compiled.load.__wrapped__() is None


_HARNESS = """
#include <stdio.h>
#include <stdlib.h>
static int fits(const uint8_t *text, int64_t size) { /* memory of exactly the size that is promised */
    const int64_t room = size / 24 + 2;
    uint8_t *b = malloc(size + !size), *cuts = malloc(GATES * size + 1);
    int64_t *starts = malloc(GATES * room * 8), *ends = malloc(GATES * room * 8), counts[GATES], sizes[GATES];
    memcpy(b, text, size);
    for (int plain = 0; plain < 2; plain++) {
        spanledger_gates(b, size, starts, ends, room, counts, cuts, sizes, plain);
        for (int g = 0; g < GATES; g++) if (counts[g] > room || sizes[g] > size + !size) return 0;
    }
    free(b), free(cuts), free(starts), free(ends);
    return 1;
}
void spanledger_borders(const uint8_t *, const int64_t *, const int64_t *, const int64_t *, int64_t, uint8_t *);
static int borders(void) { /* of texts of exactly their size, between the bytes that a buffer has */
    const char *parts[] = {"\\"}, {\\"role\\": \\"user\\", \\"content\\": \\"", "\\"},{\\"id\\":12,\\"name\\":\\"", "{", " ", "ab",
                           "and so on ", ".", "9",
                           "x@y:", "\\\\", "\\"", ", { \\"type\\": \\"text\\", \\"text\\": \\"", "          ",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    int found = 0;
    for (int round = 0; round < 6000; round++) {
        static uint8_t text[4000];
        size_t size = 0;
        for (int n = rand() % 160; n > 0 && size < 3800; n--) {
            const char *part = parts[(size_t)rand() % (sizeof parts / sizeof *parts) % (round % 2 ? 99 : 6)];
            memcpy(text + size, part, strlen(part)), size += strlen(part);
        }
        uint8_t *b = calloc(size + 2, 1), quiet;
        memcpy(b + 1, text, size);
        for (int64_t to = 2; to <= (int64_t)size + 1; to += 1 + rand() % 9) {
            const int64_t lo = 1, hi = (int64_t)size + 1;
            spanledger_borders(b, &lo, &hi, &to, 1, &quiet);
            found += quiet;
        }
        free(b);
    }
    return found > 0;
}
int main(void) {
    if (!borders()) return 5;
    static uint8_t text[20000];
    const char *signs[] = {"1 ", "1a:-.@A\xc3", "1         abcdefghijk", "ab1-:", "12,:\\\\n&nbsp;%A ", "DE89 0"};
    for (int64_t size = 0; size < 3000; size += size < 300 ? 1 : 37)
        for (int round = 0; round < 40; round++) {
            for (int64_t i = 0; i < size; i++) text[i] = (uint8_t)signs[round % 6][(size_t)rand() % strlen(signs[round % 6])];
            if (!fits(text, size)) return 3;
        }
    const char *units[] = {"1 A B", "1 A B C D E F", "12b, A B", "4321", "1.2.3.4", "987654", "a:b:c", "-ab-cd-ef-ab", ".abcd.", "@",
                           "\xc3", "A1aaaaaaaaaaaaaaaaaaaaaaaaaa", "DE89 3704 0044 053", "2026-03-14", "1 2 3\\\\n4&nbsp;56"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) /* each as close as it comes without being one with the next */
        for (int64_t apart = 0; apart < 1000; apart += apart < 120 ? 1 : 61) {
            const int64_t unit = (int64_t)strlen(units[u]);
            memset(text, '|', sizeof text);
            for (int64_t i = 0; i + unit < (int64_t)sizeof text; i += unit + apart) memcpy(text + i, units[u], unit);
            if (!fits(text, sizeof text)) return 4;
        }
    return 0;
}
"""


def test_compiled_gates_stay_within_their_memory(sanitized: Callable[..., None]) -> None:
    sanitized(f'#define SOURCE ""\n#include "{SOURCE}"\n{_HARNESS}', BORDERS)
