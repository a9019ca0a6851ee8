"""Many triggers of a kind at once: what is dismissed is nothing to its matcher, and what is taken is what that would take."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from collector.redaction import Redactor, at_once
from collector.redaction.checksums import IBAN_LENGTH, iban
from collector.redaction.contact import ipv6_handler
from collector.redaction.keys import pattern_handler
from collector.redaction.matching import Span
from collector.redaction.plain_accounts import account_starts, within_accounts, without_accounts
from collector.redaction.plain_network import without_networks
from collector.redaction.rules import load, triggers

FAST, SLOW = Redactor(key=b"k"), Redactor(engine="re2", key=b"k")
RULES = {rule.id: rule for rule in load()}


def _account(rng: random.Random, *, valid: bool) -> str:
    country = rng.choice([*IBAN_LENGTH])
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if rng.random() < 0.2 else ""
    body = "".join(rng.choice("0123456789" + letters) for _ in range(IBAN_LENGTH[country] - 4))
    good = next(value for n in range(2, 99) if iban(value := f"{country}{n:02d}{body}"))
    value = good if valid else good[:-1] + ("7" if good[-1] != "7" else "3")
    if rng.random() < 0.2:
        value = value.lower()
    return value if rng.random() < 0.5 else rng.choice([" ", " ", "-", "\n", "\xa0"]).join(re.findall(".{1,4}", value))


def _list(rng: random.Random, n: int, share: float) -> bytes:
    marks = ["\n", " ", ", ", ";", "x", ".", " 12 ", '"', "\0", " AB", "é"]
    values = (_account(rng, valid=rng.random() < share) + rng.choice(marks[: rng.choice([1, 3, len(marks)])]) for _ in range(n))
    return b"\0%b\0" % "".join(values).encode()


@pytest.mark.parametrize("seed", range(40))
def test_an_account_whose_check_digits_hold_is_always_seen(seed: int) -> None:
    rng = random.Random(seed)
    raw = _list(rng, 20, 0.5)
    starts = account_starts(raw).tolist()
    assert starts == sorted(set(starts))
    for m in re.finditer(rb"(?i)(?<![A-Z0-9])[A-Z]{2}[0-9]{2}", raw):
        told = re.sub(rb"[^A-Za-z0-9]", b"", raw[m.start() :]).decode()
        size = IBAN_LENGTH.get(told[:2].upper(), 99)
        assert (m.start() in starts) == iban(told[:size])


@pytest.mark.parametrize("seed", range(40))
def test_dismissed_triggers_of_accounts_are_nothing_to_their_matcher(seed: int) -> None:
    rng = random.Random(seed)
    raw = _list(rng, 30, 0.3)
    (trigger,) = triggers([RULES["iban"]])
    pattern = re.compile(trigger.expression, re.IGNORECASE)
    tos = [m.end() for at in range(len(raw)) if (m := pattern.match(raw, at))]
    handle = pattern_handler(RULES["iban"])
    for to, dismissed in zip(tos, without_accounts(raw, np.array(tos)).tolist(), strict=True):
        out: list[Span] = []
        handle(raw, to, 1, len(raw) - 1, out)
        assert not (dismissed and out)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_what_lists_of_accounts_come_to_is_what_matchers_make_of_each(seed: int, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _list(random.Random(seed), 150, share).decode()
    out = FAST.redact(text)
    assert out == SLOW.redact(text)
    monkeypatch.setattr(at_once, "LEAST", {})
    FAST.forget()
    assert out == FAST.redact(text)


def test_accounts_in_groups_hold_no_other_number() -> None:
    raw = b"\0DE89 3704 0044 0532 0130 01, x DE89 3704 0044 0532 0130 01 4711 x%DE89 3704 0044 0532 0130 01\n202-555-0143 \0"
    tos = np.array([raw.index(b"0532"), raw.index(b"4711"), raw.rindex(b"0532"), raw.index(b"555")])
    assert within_accounts(raw, tos).tolist() == [True, True, False, False]


@pytest.mark.parametrize("seed", range(40))
def test_dismissed_triggers_of_networks_are_nothing_to_their_matcher(seed: int) -> None:
    rng = random.Random(seed)
    parts = [
        "2024:10:11:12",
        "2001:db8::5",
        "a:b:c:d:e:f:1:2",
        "1234:",
        ":",
        "::",
        "12",
        "abcd",
        "1.2.3.4",
        " ",
        "/",
        "]",
        "x",
        "\0",
        "f" * 70,
        "fe80:1:",
        "0:",
    ]
    raw = b"\0%b\0" % "".join(rng.choice(parts) for _ in range(60)).encode()
    patterns = [re.compile(trigger.expression) for trigger in triggers([RULES["ipv6"]])]
    tos = sorted({m.end() for pattern in patterns for at in range(len(raw)) if (m := pattern.match(raw, at))})
    if not tos:
        return
    handle = ipv6_handler(RULES["ipv6"])
    for to, dismissed in zip(tos, without_networks(raw, np.array(tos)).tolist(), strict=True):
        out: list[Span] = []
        handle(raw, to, 1, len(raw) - 1, out)
        assert not (dismissed and out)


def test_triggers_of_every_kind_that_is_asked_for_are_told() -> None:
    assert set(at_once.LEAST) <= set(at_once.kinds_of(triggers(load())).tolist())


def test_times_in_logs_are_dismissed_at_once() -> None:
    raw = b"\0[12/Mar/2024:10:11:12 +0000] 2001:db8::5 \0"
    assert without_networks(raw, np.array([raw.index(b"11:"), raw.index(b":5")])).tolist() == [True, False]


def test_a_token_in_an_assigned_value_is_looked_at_once() -> None:
    secrets = [f"API_TOKEN=Kj82mQpx77Zk91xWpx77{k:04d}" for k in range(80)]
    out = FAST.redact("\n".join(secrets))
    assert out.text == "\n".join(["API_TOKEN=[SECRET_ASSIGN]"] * 80)
    assert out == SLOW.redact("\n".join(secrets))
