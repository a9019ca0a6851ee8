"""What an organisation wants left alone stays, and nothing beyond it."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor
from spanledger.errors import ConfigError


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_a_disabled_class_stays_and_others_go(engine: str) -> None:
    redactor = Redactor(engine=engine, disable=["IP_ADDRESS"])  # type: ignore[arg-type]
    assert redactor.redact("ssh root@203.0.113.77 as ana@example.org").text == "ssh root@203.0.113.77 as [EMAIL]"
    assert redactor.take_counts() == ({"EMAIL": 1}, {})


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("write to support@example.org or ana@example.org", "write to support@example.org or [EMAIL]"),
        ("Support@Example.ORG", "Support@Example.ORG"),
        ("support@example.org.evil.net", "[EMAIL]"),
        ("xsupport@example.org", "[EMAIL]"),
        ("status-17@example.org, status-x@example.org", "status-17@example.org, [EMAIL]"),
        ("call +1 202-555-0143 or +1 202-555-0144", "call +1 202-555-0143 or [PHONE]"),
    ],
)
def test_an_allowed_value_stays_but_not_what_goes_beyond_it(text: str, out: str) -> None:
    redactor = Redactor(allow=["support@example.org", r"/status-\d+@example\.org/", "+1 202-555-0143"])
    assert redactor.redact(text).text == out
    assert redactor.redact(out).text == out


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"disable": ["EMAILS"]}, "no class EMAILS"),
        ({"disable": ["VIEW"]}, "no class VIEW"),
        ({"allow": ["/(?=x)y/"]}, "linear-time"),
        ({"allow": ["/.*/"]}, "everything"),
        ({"allow": [" "]}, "everything"),
        ({"allow": ["x" * 300]}, "longer"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_refused(wish: dict[str, list[str]], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Redactor(**wish)  # type: ignore[arg-type]
