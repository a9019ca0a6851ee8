"""Texts in which a few bytes are repeated, so that every one of them sets off a look: short ones must not cost a long one's time."""

import json

import pytest

from collector.redaction import Redactor


def test_values_within_one_another_that_are_none_are_taken_together():
    out = Redactor().redact("otp:" * 1_000).text
    assert out.startswith("otp:[SECRET_ASSIGN]")
    assert len(out) < 100


@pytest.mark.parametrize("text", ["a=b=c=d=e", "?" + "&".join(f"page{i}=abc" for i in range(40)), "x = y = z = 0"])
def test_a_few_are_not(text: str):
    assert Redactor().redact(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "ana [at] example [dot] org",
        "ana.berg(at)mail.example(dot)com",
        "ana_berg (@) mail.example.com",
        "ana<at>example<punkt>de",
        "ana at mail dot example dot com",
        "ANA AT EXAMPLE DOT COM",
        "a at b dot io",
        "ana { at } example . org",
        "x" * 64 + "[at]" + "y" * 63 + "[dot]com",
    ],
)
def test_spoken_addresses_are_taken_whole(text: str):
    assert Redactor().redact(f"to: {text}, today").text == "to: [EMAIL], today"


def test_headings_stand_in_a_short_line():
    """Thousands of bytes without an end are none, whatever they name; but a table in a string may come after long ones."""
    cells = "x" * 70 + ","
    assert "Kj82mQx771" in Redactor().redact("id,password," + cells * 62 + "\n1,Kj82mQx771," + cells * 62).text
    assert "Kj82mQx771" not in Redactor().redact("id,password," + cells[50:] * 50 + "\n1,Kj82mQx771," + cells[50:] * 50).text
    fields = {"notes": "nothing to see here, " * 400, "csv": "id,password\n1,Kj82mQx771\n2,Kj82mQx772\n"}
    assert "Kj82mQx77" not in Redactor().redact(json.dumps(fields)).text


@pytest.mark.parametrize("unit", ["nin 7", "Aadhaar 2341", "p4ssw0rd = h", "742 N Evergreen Terrace Apt 4", "P@ssword = get_1", "DNI 95", "CUIT 2"])
def test_where_each_replacement_uncovers_the_next_value_the_line_goes_and_no_other(unit: str):
    redactor = Redactor()
    out = redactor.redact(f"before\n{unit * 100}\nbehind").text
    before, line, behind = out.split("\n")
    assert (before, behind) == ("before", "behind")
    assert line.startswith("[")
    assert line.endswith("]")
    assert redactor.redact(out).text == out
