"""Values inside base64 of base64, hexadecimal, dumps of bytes and tables of HTML."""

# ruff: noqa: E501 - data
from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from collector.redaction import Redactor

VALUES = ["ana.berg@example.org", "4111 1111 1111 1111", "219-09-9999", "password=Kj82#mQpx77"]


def said(value: str) -> str:
    return f"as the user told us: {value} and nothing else"


def xxd(text: str) -> str:
    raw = text.encode()
    rows = [raw[i : i + 16] for i in range(0, len(raw), 16)]
    pairs = [" ".join(row.hex()[k : k + 4] for k in range(0, len(row) * 2, 4)) for row in rows]
    return "\n".join(f"{16 * i:08x}: {pairs[i]:39}  {row.decode().replace(chr(10), '.')}" for i, row in enumerate(rows))


def hexdump(text: str) -> str:
    raw = text.encode()
    rows = [raw[i : i + 16] for i in range(0, len(raw), 16)]
    return "\n".join(f"{16 * i:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{row.decode()}|" for i, row in enumerate(rows))


def od(text: str) -> str:
    raw = text.encode()
    return "\n".join(f"{i:06x} {raw[i : i + 16].hex(' ')}" for i in range(0, len(raw), 16))


def base64_of(text: str, coding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(coding)).decode()


WAYS: dict[str, Callable[[str], str]] = {
    "base64 twice": lambda text: base64_of(base64_of(text)),
    "base64 three times": lambda text: base64_of(base64_of(base64_of(text))),
    "base64 in json in base64": lambda text: base64_of(json.dumps({"name": "x", "data": base64_of(text)})),
    "base64 of utf-16": lambda text: base64_of(text, "utf-16-le"),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, in capitals": lambda text: "0x" + text.encode().hex().upper(),
    "hexadecimal of base64": lambda text: base64_of(text).encode().hex(),
    "xxd": xxd,
    "xxd in json": lambda text: json.dumps({"out": xxd(text)}),
    "hexdump -C": hexdump,
    "od": od,
}


@pytest.fixture(scope="module", params=["hyperscan", "re2"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(engine=request.param)


@pytest.mark.parametrize("way", WAYS)
def test_a_value_goes_however_it_is_wrapped(redactor: Redactor, way: str) -> None:
    for value in VALUES:
        before, after = "the dump:\n", "\nthat is all"
        found = redactor.redact(before + WAYS[way](said(value)) + after)
        assert found.entities, (value, found.text)
        assert found.text.startswith(before)
        assert found.text.endswith(after)
        secret = value.rsplit("=", maxsplit=1)[-1]
        hidden = WAYS[way](secret)
        assert hidden not in found.text
        assert secret.encode().hex()[:8] not in found.text.replace(" ", "")
        assert secret[:6] not in found.text


INNOCENT = {
    "base64 of base64 of words": base64_of(base64_of("nothing to see here, only some words of no weight")),
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "hexadecimal words": said("nothing").encode().hex(),
    "dump of words": xxd(said("nothing")),
    "dump of a picture": "00000000: 8950 4e47 0d0a 1a0a 0000 000d 4948 4452  .PNG........IHDR\n00000010: 0000 0001 0000 0001 0802 0000 0090 7753  ..............wS",
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_wrapped_and_harmless_stays(redactor: Redactor, name: str) -> None:
    assert redactor.redact(INNOCENT[name]).text == INNOCENT[name]


TABLES = {
    "heading row": "<table><thead><tr><th>User</th><th>Password</th></tr></thead><tbody><tr><td>ana</td><td>@0</td></tr><tr><td>bob</td><td><code>@1</code></td></tr></tbody></table>",
    "with attributes, over lines": '<table class="x">\n <tr>\n  <td><b>API key</b></td>\n  <td>host</td>\n </tr>\n <tr style="a">\n  <td align="left">\n   @0\n  </td>\n  <td>web1</td>\n </tr>\n <tr><td>@1</td><td>web2</td></tr>\n</table>',
    "heading beside": "<table><tr><th>Password</th><td>@0</td></tr><tr><th>User</th><td>ana</td></tr><tr><th>API secret:</th><td>@1</td></tr></table>",
    "two cells a row": "<tr><td>Login</td><td>ana</td></tr><tr><td>Passwort:</td><td>@0</td></tr><tr><td>Token</td><td>@1</td></tr>",
    "list of terms": "<dl><dt>Password</dt><dd>@0</dd><dt>Secret</dt><dd>@1</dd></dl>",
    "in json": json.dumps({"html": "<tr><th>User</th>\n<th>Password</th></tr>\n<tr><td>ana</td>\n<td>@0</td></tr><tr><td>bob</td><td>@1</td></tr>"}),
    "slashes escaped": "<tr><th>User<\\/th><th>Password<\\/th><\\/tr><tr><td>ana<\\/td><td>@0<\\/td><\\/tr><tr><td>bob<\\/td><td>@1<\\/td><\\/tr>",
}
SECRETS = ("Kj82#mQpx77", "Zz99ppQQ1")


@pytest.mark.parametrize("written", TABLES)
def test_cells_of_a_table_that_a_heading_names_secret_go_and_nothing_else(redactor: Redactor, written: str) -> None:
    html = TABLES[written].replace("@0", SECRETS[0]).replace("@1", SECRETS[1])
    expected = TABLES[written].replace("@0", "[SECRET_ASSIGN]").replace("@1", "[SECRET_ASSIGN]")
    assert redactor.redact(html).text == expected


def test_cells_that_a_heading_calls_somebodys_number_go(redactor: Redactor) -> None:
    rows = "<tr><td>Ana</td><td>219099998</td><td>5551234</td></tr><tr><td>Bob</td><td>219099997</td><td>5559876</td></tr>"
    found = redactor.redact(f"<table><tr><th>Name</th><th>SSN</th><th>Phone number</th></tr>{rows}</table>")
    assert [entity.class_name for entity in found.entities] == ["US_SSN", "PHONE"] * 2
    assert redactor.redact(rows).text == rows


HARMLESS_TABLES = [
    "<table><tr><th>Parameter</th><th>Token</th></tr><tr><td>page_token</td><td>string</td></tr><tr><td>key</td><td>required</td></tr></table>",
    "<tr><td>Password</td><td>The password of the user, at least 12 characters</td></tr>",
    "<tr><th>Phone model</th><th>Price</th></tr><tr><td>Pixel 9</td><td>799</td></tr>",
    "<dl><dt>Secret</dt><dd>A value that only two parties know</dd></dl>",
    "<tr><th>Card</th><th>Rate</th></tr><tr><td>Visa</td><td>1.5 %</td></tr>",
]


@pytest.mark.parametrize("html", HARMLESS_TABLES)
def test_tables_about_such_words_stay(redactor: Redactor, html: str) -> None:
    assert redactor.redact(html).text == html
