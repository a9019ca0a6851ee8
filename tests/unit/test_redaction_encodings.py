"""Values written in the escapes of other languages, mails, pages and terminals: found as what they say, and replaced where they stand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from collector.redaction import Redactor

VALUES = ["ana.berg@example.org", "4111 1111 1111 1111", "219-09-9999", "password=Winter2024!"]


def marks(form: str) -> Callable[[str], str]:
    """All but letters and digits escaped."""
    return lambda text: "".join(c if c.isalnum() else form % ord(c) for c in text)


def every(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form % ord(c) for c in text)


WAYS: dict[str, Callable[[str], str]] = {
    "json": every("\\u%04x"),
    "json twice": lambda text: json.dumps(json.dumps(every("\\u%04x")(text))),
    "surrogates of json": lambda text: json.dumps("".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in text)),
    "javascript, rust": every("\\u{%x}"),
    "javascript's escape()": marks("%%u%04x"),
    "python": every("\\U%08x"),
    "c": every("\\x%02x"),
    "address": every("%%%02x"),
    "address twice": every("%%25%02x"),
    "html": every("&#%d;"),
    "html, hexadecimal": every("&#x%x;"),
    "html twice": every("&amp;#%d;"),
    "soft line break of a mail": lambda text: text[:6] + "=\r\n" + text[6:],
    "colours of a terminal": lambda text: f"{text[:6]}\x1b[01;31m{text[6:8]}\x1b[m{text[8:]}",
    "a search's highlights": lambda text: f"{text[:2]}<em>{text[2:8]}</em>{text[8:]}",
    "base64": lambda text: base64.b64encode(f"the user said {text} today".encode()).decode(),
}


@pytest.fixture(scope="module", params=["hyperscan", "re2"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(engine=request.param)


@pytest.mark.parametrize("way", WAYS)
def test_a_value_goes_however_it_is_escaped(redactor: Redactor, way: str) -> None:
    texts = [f"please note {WAYS[way](value)} thanks" for value in VALUES]
    for value, redacted in zip(VALUES, redactor.redact_parts(texts), strict=True):
        if way == "soft line break of a mail" and not value[5:7].isalnum():
            continue  # a break beside a blank is no break inside a word
        assert redacted.entities, (value, redacted.text)
        assert redacted.text.startswith("please note ")
        assert redacted.text.endswith(" thanks")


def test_an_at_sign_of_quoted_printable_goes_and_a_figure_stays(redactor: Redactor) -> None:
    assert redactor.redact("From: ana.berg=40example.org (Ana)").text == "From: [EMAIL] (Ana)"
    assert redactor.redact("limit=40 width=40px x=40.5").entities == []


@pytest.mark.parametrize(
    "text",
    [
        "a\\u{1F600}b",
        "%u00e9t%u00e9",
        "<b>bold</b>ly",
        "H<b>2</b>O",
        "x\x1b[0my",
        "wrapped=\nline",
        "ZGF0YSBhbmQgbW9yZQ=\n4bf92f35",
        "key%3Dvalue",
        "&amp;#169; 2026",
    ],
)
def test_escapes_of_nothing_secret_stay(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text


@pytest.mark.parametrize("stop", ["\u3002", "\uff61"])
def test_an_ideographic_full_stop_within_a_name_or_number_is_a_dot_and_ends_a_sentence_elsewhere(stop: str) -> None:
    for redactor in (Redactor(), Redactor(engine="re2")):
        assert redactor.redact(f"mail chidi@example{stop}org ok").text == "mail [EMAIL] ok"
        assert redactor.redact(f"host 203{stop}0{stop}113{stop}77 down").text == "host [IP_ADDRESS] down"
        assert redactor.redact(f"\u6211\u7528Python{stop}Then example.org{stop}").entities == []


def test_basic_auth_told_in_words_goes_and_talk_about_it_stays() -> None:
    redactor = Redactor()
    for told in ("basic auth is bob:Kj82mQpx9", "Basic-Auth: admin / Winter44!"):
        assert "[SECRET_ASSIGN]" in redactor.redact(told).text
    for talk in ("basic auth is required: yes", "use basic auth: on", "basic auth: user:password"):
        assert redactor.redact(talk).entities == []
