"""Lists of URLs with passwords: what is plain is taken at once, to the same end as by the matchers; and what stands behind URLs."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from collector.redaction import Redactor, at_once, plain_urls, rules

FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")

PASSWORDS = [
    "{w12}",
    "{w6}-{w6}_{d2}!",
    "hunter",
    "changeme1",
    "example{d4}",
    "{d16}",
    "4111111111111111",
    "AKIA{U16}",
    "ghp_{w36}",
    "{w10}%40{w4}",
    "%C3{w4}",
    "{w4}@{w8}",
    "{w8}:{w3}",
    "{w4}/{w8}",
    "ref+{w9}1",
    "vault:{w9}1",
    "getenv{d4}",
    "$(cat {w4})",
    "${PASSWORD}",
    "$PASSWORD",
    "***",
    "aaaa",
    "app{d1}",
    "[URL_CREDENTIAL]",
    "[EMAIL:{h10}]",
    "[secret]",
    "key=ab{w12}",
    "token:{w20}",
    "a,b{w8}",
    "a|b{w8}",
    "{w6}`{w6}",
    "{w6}é{w6}",
    "{w6}\\n{w6}",
    "{w6}&#64;{w6}",
    "{w80}",
    "+1-202-555-0143",
    "10.20.30.40",
    "",
]
SCHEMES = [
    "postgres",
    "mongodb+srv",
    "https",
    "a b",
    "DATABASE_URL=redis",
    "x:y@z://q",
    "http://w:v/z@ftp",
    "http://w:${v/z@ftp",
    "é",
    "-",
    "(amqp",
    "[x](https",
]
USERS = ["app", "", "app1", "svc.{w3}-2", "password", "token", "api_key", "a%40b", "ä", "u/v"]
HOSTS = [
    "db:5432/x",
    "db8.internal",
    "203.0.113.9/x",
    "example.org",
    "mail.example.org:25/x@y",
    "h@example.org",
    "[2001:db8::5]:80/",
    "db?x=@y",
    "é.org",
    "h" * 300,
    "",
]
MARKS = [", ", " ", "\n", '" "', "' '", "><", ";", "@ ", "\t"]


def _texts(n: int, seed: int, odd: float) -> list[str]:
    """Texts of ``n`` URLs; of each part of a URL so many in one are odd."""
    rng = random.Random(seed)

    def one(of: list[str]) -> str:
        return rng.choice(of) if rng.random() < odd else of[0]

    records = [f"{one(SCHEMES)}://{one(USERS)}:{one(PASSWORDS)}@{one(HOSTS)}{one(MARKS)}" for _ in range(n)]
    return [rules.example(f"{record}{k}")[: -len(str(k))] for k, record in enumerate(records)]


@pytest.mark.parametrize("odd", [0.0, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("seed", range(8))
def test_what_many_urls_come_to_is_what_matchers_make_of_each(seed: int, odd: float, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(_texts(150, seed, odd))
    out = FAST.redact(text)
    monkeypatch.setattr(at_once, "LEAST", {})
    assert out == FAST.redact(text)
    assert out == SLOW.redact(text)
    assert FAST.redact(out.text).text == out.text


def test_a_list_of_urls_loses_its_passwords_and_nothing_else() -> None:
    urls = _texts(400, 1, 0.0)
    assert len(set(urls)) == len(urls)
    assert FAST.redact("".join(urls)).text == "postgres://app:[URL_CREDENTIAL]@db:5432/x, " * 400


def test_plain_urls_need_no_closer_look_and_others_do() -> None:
    told = [
        ("postgres://app:Kj82mQpx77@db/x", True),
        ("postgres://app:[URL_CREDENTIAL]@db/x", True),
        ("postgres://app:changeme@db/x", True),
        ("postgres://app:Kj82@mQpx77@db/x", False),
        ("postgres://app:Kj82%40mQpx77@db/x", False),
        ("x://y:z/postgres://app:Kj82mQpx77@db/x", False),
    ]
    b = "\0{}\0".format(" ".join(url for url, _ in told)).encode()
    tos = np.array([b.index(url.encode()) + url.index("@db") + 1 for url, _ in told])
    out: list[tuple[int, int, str]] = []
    assert plain_urls.plain_urls(b, tos, "URL_CREDENTIAL", out).tolist() == [plain for _, plain in told]
    assert [b[a:z] for a, z, _ in out] == [b"Kj82mQpx77"]


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
