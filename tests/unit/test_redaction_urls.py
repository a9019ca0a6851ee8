"""Lists of URLs with passwords, and what stands behind URLs."""

from __future__ import annotations

import re

import pytest

from collector.redaction import Redactor

FAST = Redactor(key=b"k")


@pytest.mark.parametrize("times", [1, 60])
@pytest.mark.parametrize(
    ("row", "stands"),
    [
        ("https://acme.com,ana{}@example.org\n", "https://acme.com,[EMAIL]\n"),
        ("https://acme.com;ana{}@example.org;Ana\n", "https://acme.com;[EMAIL];Ana\n"),
        ("https://acme.com:8080,ana{}@example.org\n", "https://acme.com:[URL_CREDENTIAL]@example.org\n"),
        ("ssh://app:a,bKj82mQ{}@mail.example.org\n", "ssh://app:[URL_CREDENTIAL]@mail.example.org\n"),
        ("ssh://app:a|bKj82mQ{}@mail.example.org\n", "ssh://app:[EMAIL]\n"),
    ],
)
def test_an_address_behind_a_url_goes_unless_it_is_a_password_and_its_host(row: str, stands: str, times: int) -> None:
    assert re.sub(r":[0-9a-f]{10}\]", "]", FAST.redact("".join(row.format(k) for k in range(times))).text) == stands * times
