"""What unit tests of several files use."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from collector.redaction import Redactor


@pytest.fixture(scope="session")
def survivors() -> Callable[[list[str], list[str]], list[tuple[str, str]]]:
    """Of some values in some texts (``@V@`` stands for the value): text and what came out, where the value, or a half of it, can still be read."""
    redactor = Redactor()

    def find(values: list[str], texts: list[str]) -> list[tuple[str, str]]:
        cases = [(value, text.replace("@V@", value)) for value in values for text in texts]
        found = []
        for (value, text), out in zip(cases, redactor.redact_batch([text for _, text in cases]), strict=True):
            half = len(value) // 2
            long = len(re.sub(r"[^0-9A-Za-z]", "", value)) > 8
            if value in out or (long and (value[: half + 2] in out or value[half - 2 :] in out)):
                found.append((text, out))
        return found

    return find
