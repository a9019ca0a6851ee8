"""Which words about numbers begin in which stretch of a buffer: none that is near a number is missed."""

from __future__ import annotations

import random

import numpy as np

from collector.redaction import Redactor
from collector.redaction.cards import CARD_WORDS
from collector.redaction.matching import near, said_near
from collector.redaction.numbers import NEAR
from collector.redaction.word_blocks import BLOCK, CARDS, REFUSING, WordBlocks

WORDS = [
    *("phone", "id", "ids", "paid", "ssn", "konto", "card", "account", "order", "page", "nhs", "visa", "the", "and", "of", "it"),
    *(
        "[PHONE]",
        "[US_SSN]",
        "[NATIONAL_ID],",
        "[PHONE:0123456789]",
        "[CREDIT_CARD] and",
        "social",
        "security",
        "number",
        "is",
        "steuernummer",
        "Telefon",
        "numéro",
        "电话",
    ),
]
PLACED = [
    *((200, b"ssn"), (255, b"id"), (600, b"social security"), (637, b"xssn"), (970, b"order"), (1022, b" card "), (4096, b"ids")),
    (4100, b"id"),
]


def test_a_word_belongs_to_the_block_in_which_it_begins_and_to_that_before_if_it_reaches_so_far() -> None:
    blocks = WordBlocks(["ssn|social security", "", "id"], "order", "card|id")
    text = bytearray(b"." * 5000)
    for at, word in PLACED:
        text[at : at + len(word)] = word
    found = blocks.of(bytes(text), np.arange(5000)).tolist()
    assert len(found) == 5000 // BLOCK + 1
    assert {k: bits for k, bits in enumerate(found) if bits} == {1: 1 | 4 | CARDS, 4: 1, 7: REFUSING | CARDS, 31: 4 | CARDS, 32: 4 | CARDS}


def test_of_blocks_far_from_numbers_everything_is_possible_where_words_are_near() -> None:
    blocks = WordBlocks(["ssn"], "order", "card")
    text = b"." * 3000 + b" ssn " + b"." * 3000
    found = blocks.of(text, np.array([3100])).tolist()
    assert found[3000 // BLOCK] == 1
    assert found[24] == 0  # asked, nothing there
    assert found[0] == (1 << 64) - 1  # never asked
    assert set(blocks.of(b"." * 6000, np.array([3100])).tolist()) == {0, (1 << 64) - 1}


def test_no_word_near_a_number_is_missed() -> None:
    numbers = next(iter(Redactor()._finder.table.numbers.values()))  # pyright: ignore[reportPrivateUsage]
    rng = random.Random(3)
    for _ in range(40):
        parts: list[str] = []
        for _ in range(300):
            parts.append(rng.choice(WORDS) if rng.random() < 0.6 else str(rng.randrange(10 ** rng.randrange(1, 12))))
            parts.append(rng.choice([" ", " ", "", ", ", "\n", "_", "= "]))
        b = b"\0%b\0" % "".join(parts).encode()
        lo, hi = 1, len(b) - 1
        starts = [at for at in range(1, hi) if b[at : at + 1].isdigit() and not b[at - 1 : at].isdigit()]
        ends = [next(at for at in range(start, hi + 1) if not b[at : at + 1].isdigit()) for start in starts]
        found = numbers.blocks.of(b, np.array(ends)).tolist()
        for start, end in zip(starts, ends, strict=True):
            if b[start - 1 : start] == b":":
                continue  # the hash of a placeholder
            bits = 0
            for block in range(max(0, start - 64) // BLOCK, (end + 24) // BLOCK + 1):
                bits |= found[block] if block < len(found) else 0
            assert all(bits >> k & 1 for k in said_near(numbers.told, b, start, end, lo, hi, *NEAR))
            assert bits & REFUSING or not numbers.refused(b, start, end, lo, hi)
            assert bits & CARDS or not near(CARD_WORDS, b, start, end, lo, hi, 64, 24)


def test_a_placeholder_is_a_word_only_of_the_next_in_a_list() -> None:
    blocks = WordBlocks(["phone"], "order", "card")
    for text, want in ((b"[PHONE] 4711", 0), (b"[PHONE]\n4711", 0), (b"[PHONE], 4711", 1), (b"[PHONE] and (4711", 1), (b"[CREDIT_CARD] 4711", CARDS)):
        assert blocks.of(b"\0%b\0" % text, np.array([12])).tolist() == [want]
