"""A redactor that has been warmed builds nothing more while a text's time runs, and what warmed it has left no trace."""

from __future__ import annotations

import subprocess
import sys

from collector.redaction import Redactor
from collector.redaction.warming import warm

_FRESH = """
import re2
from collector.redaction import Redactor
from collector.redaction.warming import warm

redactor = Redactor()
warm(redactor)
built = []
real = re2.Set.SearchSet
re2.Set.SearchSet = lambda *some: (built.append(some), real(*some))[1]
texts = [
    "".join(f"commit {i * 7919 % 99991:05x}{i:035x} order 4111 1111 1111 111{i % 10}, (202) 555-01{i % 90 + 10}\\n" for i in range(200)),
    "".join(f"10.0.{i % 9}.{i % 250} - - [12/Mar/2026:10:11:12 +0000] {i * 104729}\\n" for i in range(200)),
    "1 2 3 4 5\\n" * 60 + "call me at 030 1234567, password=hunter2x",
    "".join(f"{i * 37 % 100} 202-555-01{i % 90 + 10} id {i * 7919}\\n" for i in range(300)),
]
for text in [*texts, "\\n".join(texts)]:
    assert redactor.redact(text).dropped is None
print(len(built))
"""


def test_the_first_texts_build_nothing_and_are_not_withheld() -> None:
    said = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0"]


def test_nothing_is_left_of_the_examples() -> None:
    redactor = Redactor()
    warm(redactor)
    assert redactor.take_counts() == ({}, {})
    assert not redactor.seen.known(["x" * 600]).clean
    assert all(not numbers.known for numbers in redactor._finder.table.numbers.values())  # pyright: ignore[reportPrivateUsage]
