"""Secrets of several words, codes told in words, values marked as sensitive; and what only looks like these."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor

REDACTOR = Redactor(key=b"phrases")
PHRASES = ["velvet tractor moon pickle", "Granite Otter Lantern Sixpence", "kettle orbit walnut breeze anchor"]
FORMS = [
    'my password is "{}"',
    "the passphrase is '{}'",
    'wifi password is "{}"',
    'passphrase: "{}"',
    "vault_passphrase = {}\n",
    "passphrase: {}",
    'user,password,note\nana,"{}",x\n',
    "| user | password |\n|---|---|\n| ana | {} |\n",
    'output "x" {{\n  value = "{}"\n  sensitive = true\n}}',
    '"x": {{"sensitive": true, "type": "string", "value": "{}"}}',
]
STAY = [
    'my password is "must be changed soon"',
    'the password is "the one that you were sent"',
    'user,password,note\nana,"to be set by the owner",x\n',
    "passphrase: the words that you wrote down",
    'output "x" {\n  value = var.y\n  sensitive = true\n}',
    '{"value": "velvet tractor"}, {"sensitive": true}',
    "pin one two three to the board",
    "the pin is one of two",
    "count one two three four",
    "sqlplus bob@db @run.sql",
    "use sqlplus client/server mode",
    "smbclient -U bob //host/share",
    "password = please-enter-your-password",
    "password: must-not-be-empty",
    "password = path-to-the-file",
    "password=user-provided-value",
    "le code postal est 75011",
    "R 3.0.0 (2022-10-20)\n12345",
    "- 3.0.0 (2022-10-20) 4711",
    "4.1.0 (2022-10-20) 3.9.9 (2021-01-04) 12",
]


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_of_several_words_goes_whole(form: str, phrase: str) -> None:
    out = REDACTOR.redact(form.format(phrase)).text
    assert not any(word in out for word in phrase.split())


@pytest.mark.parametrize("form", ["password = {}", "DB_PASSWORD={}\n", "passphrase: {}", "pwd={} # of the router"])
@pytest.mark.parametrize("phrase", ["velvet-tractor-moon-pickle", "kettle-orbit-walnut-breeze-anchor"])
def test_plain_words_joined_by_hyphens_are_a_passphrase(form: str, phrase: str) -> None:
    assert phrase not in REDACTOR.redact(form.format(phrase)).text


CODES = [
    "Mein PIN-Code lautet {}",
    "le code de validation est {}",
    "mi código de seguridad es {}",
    "codice di verifica: {}",
    "o meu PIN é {}",
    "uw verificatiecode is {}",
    "kod jednorazowy: {}",
    "ПИН-код: {}",
    "我的PIN码是{}",
    "ワンタイムパスワードは{}です",
    "인증번호는 {}입니다",
]


@pytest.mark.parametrize("form", CODES)
@pytest.mark.parametrize("code", ["4821", "482133"])
def test_a_code_goes_in_whatever_language_it_is_told(form: str, code: str) -> None:
    assert code not in REDACTOR.redact(form.format(code)).text


@pytest.mark.parametrize("text", STAY)
def test_words_and_versions_that_only_look_like_it_stay(text: str) -> None:
    assert REDACTOR.redact(text).text == text


@pytest.mark.parametrize("word", ["my pin is", "the PIN:", "passcode", "door code is", "CVV is", "one-time code:"])
@pytest.mark.parametrize("digits", ["four two one seven", "nine, zero, oh, three", "three-one-nine"])
def test_a_code_told_in_words_goes(word: str, digits: str) -> None:
    assert REDACTOR.redact(f"{word} {digits}. Thanks").text == f"{word} [ACCESS_CODE]. Thanks"


@pytest.mark.parametrize("value", ["4111 1111 1111 1111", "+44 7700 900123", "202-555-0143"])
def test_a_number_behind_a_version_and_its_date_goes(value: str) -> None:
    assert value[-4:] not in REDACTOR.redact(f"3.0.0 (2022-10-20) {value} ok").text


@pytest.mark.parametrize(
    ("head", "values"),
    [
        ("ssn", [str(219_099_999 - 3 * k) for k in range(60)]),
        ("phones: (202) 555-0143,", [f"4{k} 1{k} 1{k} 1{k}" for k in range(1, 9)]),
        ("fax", [f"{467 + k} {3395 + k}" for k in range(60)]),
    ],
)
def test_what_a_word_says_of_the_first_of_a_list_is_said_of_all(head: str, values: list[str]) -> None:
    """By the value before each: a placeholder says what it is of the next in a list, and so does what is about to be one."""
    out = REDACTOR.redact(f"{head} {', '.join(values)}").text
    assert not any(value in out for value in values)
