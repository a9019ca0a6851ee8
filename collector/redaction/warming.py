"""What is built on first use (tables, word lists, views, layouts) is built before the first text comes: none is withheld for the time that takes."""

from __future__ import annotations

from itertools import accumulate

from collector.redaction.engine import Redactor
from collector.redaction.rules import load

_SIZE = 8_192  # bytes of a text that is worth another try when it is late
_ROUNDS = 2  # in the first some may be late


def warm(redactor: Redactor) -> None:
    """Read the examples of all rules, alone and in lists, and numbers in tables and grids; nothing of it is counted or remembered."""
    examples = [example for rule in load() for example in (*rule.positives, *rule.negatives)]
    texts: list[list[str]] = []
    for example, end in zip(examples, accumulate(map(len, examples)), strict=True):
        while len(texts) <= end // _SIZE:
            texts.append([])
        texts[-1].append(example)
    long = ["\n".join(some) for some in texts]
    long.append("".join(f"{i}\t{i * 7919 % 99991}\t{i * 104729 % 999983}\n" for i in range(400)))
    long.append("1 2 3 4 5 6 7 8 9\n" * 40)
    for _ in range(_ROUNDS):
        redactor.redact_batch(examples)
        for text in long:
            redactor.redact(text)
        redactor.redact_batch(long, [0] * len(long))
        redactor.forget()
    redactor.take_counts()
