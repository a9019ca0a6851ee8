"""Redaction speed: MB of UTF-8 per second of CPU time on one thread, end to end (join, scan, check, replace, decode).

    python tests/bench/bench_redaction.py [--engine re2] [--adversarial] [--fuzz 100000]

The corpus is made of files that every Python installation has: documentation prose (package descriptions and licences),
Python source, and JSON made of both; texts of 2 KB, 60 / 20 / 20 %, one in ten with personal data or a key put in, all different.
Best of several runs of each batch: the machine may be busy.
"""

# ruff: noqa: E501 - data
from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import sys
import sysconfig
import time
from itertools import cycle
from pathlib import Path

from collector.redaction import Redactor, rules

SIZE = 2048
_LONG = 5.0  # seconds for batches of one size: the machine's other work comes in bouts
PII = (
    "mail ana.berg+x@mail.example.org",
    "card 4111 1111 1111 1111",
    "ssn 219-09-9999",
    "IBAN DE89 3704 0044 0532 0130 00",
    "call +44 7700 900123",
    "ssh root@203.0.113.77",
    "password=Winter{d3}!",
    "key ghp_{w36}",
    "postgres://app:{w12}@db:5432/x",
    "I live at 2399 Kingsway Blvd",
)


def corpus(n: int, seed: int = 7) -> list[str]:
    """``n`` texts of about 2 KB."""
    rng = random.Random(seed)
    site, std = Path(sysconfig.get_paths()["purelib"]), Path(sysconfig.get_paths()["stdlib"])
    prose = cycle(_pieces([*sorted(site.glob("*.dist-info/METADATA")), *sorted(site.glob("*.dist-info/licenses/*"))], rng, _description))
    code = cycle(_pieces(sorted(std.glob("*.py")), rng, str))
    texts = []
    for i in range(n):
        kind = i % 10
        text = next(prose) if kind < 6 else next(code)
        if kind >= 8:
            text = json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": next(prose)[: SIZE // 2]},
                        {"role": "assistant", "content": next(code)[: SIZE // 2]},
                    ]
                }
            )
        if rng.random() < 0.1:
            at = text.find(" ", rng.randrange(len(text) // 2)) + 1
            text = f"{text[:at]}{rules.example(rng.choice(PII))} {text[at:]}"
        texts.append(text)
    rng.shuffle(texts)
    return texts


def _description(text: str) -> str:
    return text.split("\n\n", 1)[-1]


def _pieces(paths: list[Path], rng: random.Random, clean: object) -> list[str]:
    pieces: dict[str, None] = {}  # each once: what stands in a batch twice is judged once
    for path in filter(Path.is_file, paths):
        text = clean(path.read_text("utf-8", "replace"))  # type: ignore[operator]
        pieces |= dict.fromkeys(piece for i in range(0, len(text) - SIZE, SIZE // 4) if "@" not in (piece := text[i : i + SIZE]) or clean is str)
    some = list(pieces)
    rng.shuffle(some)
    return some[:4000]


def adversarial(size: int = 200_000) -> dict[str, str]:
    """Inputs that are slow for engines with backtracking or unbounded windows."""

    def fill(unit: str) -> str:
        return (unit * (size // len(unit) + 1))[:size]

    return {
        "sk-": fill("sk-"),
        "jwt runs": fill("eyJaaaaaaaaaa."),
        "jwt dashes": fill("eyJa-"),
        "pem begins": fill("-----BEGIN PRIVATE KEY-----"),
        "pem base64": "-----BEGIN PRIVATE KEY-----\n" + fill("MIIEvQIBADANBgkqhkiG9w0B\n"),
        "digits": fill("4111111111111112 "),
        "one digit": fill("1 "),
        "spaced groups": fill("1234 5678 "),
        "at signs": fill("a@a.a@a.a"),
        "emails": fill("ana@example.org,"),
        "assignments": fill("password=token="),
        "quotes": fill("password='" + "\\" * 5),
        "escapes": fill("\\u0041"),
        "percent": fill("%2540%25"),
        "zero width": fill("a\u200b"),
        "arabic digits": fill("٤١١١"),
        "math digits": fill("𝟒𝟏"),
        "base64": fill("SGVsbG8gd29ybGQhIFRoaXMgaXMgdGV4dC4g "),
        "hex colons": fill("ab:cd:"),
        "urls": fill("://a:b@"),
        "url colons": fill("a://" + ":" * 50),
        "plus": fill("+1 "),
        "iban": fill("DE89 3704 "),
        "streets": fill("12 Main Old New Big "),
        "messages": fill('"content":"a1"},{"content":"'),
        "entities": fill("&#64;"),
        "markdown": fill("abcd**efgh**"),
        "key words": fill("key: "),
        "cards": fill("4111 1111 1111 1111, "),
        "digit words": fill("one two three "),
        "spoken at": fill("a [at] b "),
        "backslashes": fill("\\"),
        "letters": fill("a"),
        "placeholders": fill("[EMAIL]"),
        "ipv4": fill("1.2.3.4.5."),
        "dates": fill("2026-03-14 "),
        "phones": fill("(202) 555-0143 "),
        "embeddings": fill("0.81165937, -0.35555363, "),
        "table": fill("| 5663 | 3141 | 1336 |\n"),
        "newline groups": fill("2221\n0973\n"),
        "random prefix": fill("a_live_"),
        "html heads": fill("<tr><th>password</th>"),
        "html tables": fill("<tr><th>pin</th></tr></table>"),
        "html cells": "<tr><th>a</th><th>password</th></tr>" + fill("<tr><td>b</td><td>Kj82mQpx77</td></tr>"),
        "dumps": fill("00000000: 6162 6364 6566 6768 6162 6364 6566 6768  abcdefghabcdefgh\n"),
        "hexadecimal": fill("0x616263646566676869707172 "),
        "base64 twice": fill("WVhKbElIUm9aU0IxYzJWeUlITmhhV1FnZEc4Z2JXVT0 "),
        "pii csv": fill("Ana,ana@example.org,+1 202-555-0143,4111 1111 1111 1111,219-09-9999,203.0.113.9\n"),
    }


def chatter(n: int, seed: int = 3) -> list[str]:
    """``n`` short messages of common words: half questions of 120 words, half answers of 60."""
    rng = random.Random(seed)
    words = [
        "the",
        "order",
        "of",
        "your",
        "invoice",
        "was",
        "late",
        "and",
        "a",
        "refund",
        "for",
        "it",
        "is",
        "due",
        "please",
        "reset",
        "my",
        "password",
        "token",
        "account",
        "policy",
        "claim",
        "delay",
    ]
    texts = []
    for i in range(n):
        text = " ".join(rng.choice(words) for _ in range(60 if i % 2 else 120))
        texts.append(f"{text} contact alice{i % 999}@example.com or 415-555-{i % 9000 + 1000}" if rng.random() < 0.1 else text)
    return texts


def customers(n: int, seed: int = 4) -> str:
    """A table of ``n`` customers: six values a line that must go."""
    rng = random.Random(seed)
    lines = []
    for i in range(n):
        pan = "4539" + "".join(rng.choice("0123456789") for _ in range(11))
        pan += str(-sum(sum(divmod(2 * int(c), 10)) if k % 2 == 0 else int(c) for k, c in enumerate(reversed(pan))) % 10)
        lines.append(
            f"{i},Ana,Berg,ana.berg{i}@example.org,+1 202-555-{rng.randint(1000, 9999)},{pan},{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)},"
            f"{rng.randint(1, 999)} Main Street,203.0.113.{rng.randint(1, 254)},19{rng.randint(50, 99)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="hyperscan", choices=("hyperscan", "re2"))
    parser.add_argument("--adversarial", action="store_true")
    parser.add_argument("--fuzz", type=int, default=0)
    args = parser.parse_args()
    if args.fuzz:
        fuzz(args.fuzz)
        return
    gc.set_threshold(100_000, 20, 100)  # as the collector does
    started = time.perf_counter()
    redactor = Redactor(engine=args.engine)
    print(
        f"start {time.perf_counter() - started:.2f} s   {platform.processor() or platform.machine()}, Python {platform.python_version()}, engine {args.engine}"
    )
    if args.adversarial:
        for name, text in adversarial().items():
            _, seconds = best(redactor, [text], 2)
            _, why = redactor.take_counts()
            print(f"{name:16s} {len(text.encode()) / seconds / 1e6:8.1f} MB/s {seconds * 1e3:7.1f} ms  {why or ''}")
        for n in (100, 300, 1000, 3000):
            text = customers(n)
            _, seconds = best(redactor, [text], 3)
            _, why = redactor.take_counts()
            print(f"{n:5d} customers  {len(text) / seconds / 1e6:8.1f} MB/s {seconds * 1e3:7.1f} ms  {why or ''}")
        return
    texts = corpus(4096)
    size = sum(len(t.encode()) for t in texts)
    for batch in (512, 128, 16, 1):
        seconds = run(redactor, texts, batch, seconds=_LONG)
        print(f"batch {batch:4d}: {size / seconds / 1e6:6.1f} MB/s   {seconds / len(texts) * 1e6:5.1f} us a text of 2 KB")
    ingest = chatter(4096)
    size = sum(len(t.encode()) for t in ingest)
    seconds = run(redactor, ingest, 1024)
    print(
        f"messages of words, one in ten with e-mail and phone: {size / seconds / 1e6:6.1f} MB/s   {seconds / len(ingest) * 2e6:5.1f} us a span of two"
    )
    plain = words(4096)
    size = sum(map(len, plain))
    seconds = run(redactor, plain, 1024)
    print(
        f"short texts of words, nothing in them: {size / seconds / 1e6:6.1f} MB/s   {seconds / len(plain) * 1e6:5.2f} us a text of {size // len(plain)} bytes"
    )
    calls = conversations(texts)
    size = sum(len(t.encode()) for call in calls for t in call)
    seconds = min(talk(redactor, calls) for _ in range(5))
    print(
        f"agents that send their history with every call: {size / seconds / 1e6:6.1f} MB/s   {seconds / len(calls) * 1e6:5.1f} us a call of {size // len(calls)} bytes"
    )
    redactor.take_counts()
    run(redactor, texts, 512, 1)
    counts, dropped = redactor.take_counts()
    print(f"entities {sum(counts.values())}: {counts}\ndropped {dropped}")


def words(n: int, seed: int = 5) -> list[str]:
    """``n`` texts of 60 common words."""
    rng = random.Random(seed)
    common = (
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "lazy",
        "dog",
        "invoice",
        "refund",
        "order",
        "delay",
        "contract",
        "revenue",
        "owner",
        "context",
    )
    return [" ".join(rng.choice(common) for _ in range(60)).capitalize() + "." for _ in range(n)]


def conversations(texts: list[str], seed: int = 6) -> list[list[str]]:
    """Calls of 40 agents, twelve each, in an order of chance: a system prompt, all turns so far, and two new ones."""
    rng = random.Random(seed)
    calls: list[list[str]] = []
    for _ in range(40):
        history = [rng.choice(texts[:8])]
        for _ in range(12):
            history = [*history, rng.choice(texts)[:700], rng.choice(texts)]
            calls.append(history)
    rng.shuffle(calls)
    return calls


def talk(redactor: Redactor, calls: list[list[str]]) -> float:
    """CPU seconds for all calls, 32 in a batch, each a group."""
    redactor.forget()
    start = time.thread_time()
    for i in range(0, len(calls), 32):
        some = calls[i : i + 32]
        redactor.redact_batch([text for call in some for text in call], [k for k, call in enumerate(some) for _ in call])
    return time.thread_time() - start


def run(redactor: Redactor, texts: list[str], batch: int, times: int = 12, seconds: float = 0.0) -> float:
    """CPU seconds for all texts: the sum over batches of the best of so many runs, or of those that so many seconds have room for if these are more,
    since other work on the machine slows single ones."""
    batches = [texts[i : i + batch] for i in range(0, len(texts), batch)]
    least = [9e9] * len(batches)
    until = time.perf_counter() + seconds
    while times > 0 or time.perf_counter() < until:
        times -= 1
        for i, some in enumerate(batches):
            redactor.forget()
            start = time.thread_time()
            redactor.redact_batch(some)
            least[i] = min(least[i], time.thread_time() - start)
    return sum(least)


def best(redactor: Redactor, texts: list[str], times: int) -> tuple[list[str], float]:
    """Result and least CPU seconds."""
    seconds, out = 1e9, texts
    for _ in range(times):
        redactor.forget()
        start = time.thread_time()
        out = redactor.redact_batch(texts)
        seconds = min(seconds, time.thread_time() - start)
    return out, seconds


FRAGMENTS = (
    *PII, "sk-proj-{w40}", "\\u0040", "%40", "\\n", "\n", " ", " ", ", ", "-", ".", ":", "=", "\"", "'", "\u200b", "４１", "٤", "\u00a0", "—", "@", "example.org", "4111", "1111", "2221",
    "password", "token:", "key ", "Bearer ", "eyJhbGciOiJIUzI1NiJ9.e30.", "{w24}", "{h32}", "{d7}", "{d3}", "+44", "0x{h40}", "::1", "fe80::", "de:ad:be:ef:00:01", "http://", "u:p@", "<b>", "**", "[EMAIL]",
    "{\"content\":\"", "\"},{\"role\":\"user\",\"content\":\"", "one two three four five six seven", " [at] ", " [dot] ", "Main Street", "12 ", "-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "-----END", "\0", "é", "🙂", "请", "\\\"",
    "the pin is ", "4821", "CVV: ", "IDENTIFIED BY '", "login bob password ", "sshpass -p ", "redis-cli -a ", "docker login -u b -p ", "name: DB_PASSWORD\n  value: ", '{"name":"TOKEN","value":"', "密码是 ", "пароль ", "[.]", "203[.]0[.]113[.]9", "ул. Ленина ", "geb. ", "12.03.1975", "年", " @ ", "a n a @ e x . o r g", "DE89\n3704\n0044", "8 (912) 345-67-89",
    "<tr><th>Password</th></tr>", "<tr><td>Kj82mQpx77</td>", "</td>", "<dt>SSN</dt><dd>219099999</dd>", "616e61406578616d706c652e6f7267", "WVc1aFFHVjRZVzF3YkdVdWIzSm4=",
    "00000000: 616e 6140 6578 616d 706c 652e 6f72 670a  ana@example.org.\n", "00000010  32 31 39 2d 30 39 2d 39  39 39 39 0a  |219-09-9999.|\n", "(202) 555-0143 ",
    '"ana b"@', '\\"', "用户@例子.公司", "例子.", "4111,1111,", "1111 | ", "1111;", '","', "41 11 11 11 ", "ИНН ", "MRN ", "DNI: ", "身份证号：", "هاتف: ", "携帯：", "0664 1234567", "RFC: VECJ880326", "XXX",
    "password ", "Xk9#CrJk0R", "mdp: ", "密码是", "κωδικός: ", "net user bob ", "credentials are bob:", 'setPassword("', "| password | ", "pwd: string = '", "&quot;", "-k ", "openssl enc ", "echo ", " | sudo -S", " --password-stdin",
    "{w14}.atlasv1.", "v4.local.", "tskey-auth-{w17}-", "sk.eyJ", "{w52}JQQJ99", "fc-{h32}", "AKCp{w69}", "{h32}.A7{w14}",
)  # fmt: skip


def fuzzed(n: int, seed: int = 11, most: int = 24) -> list[str]:
    """Texts glued together at random from fragments that matter to the rules, fewer than ``most`` in each."""
    rng = random.Random(seed)
    return [rules.example("".join(rng.choice(FRAGMENTS) for _ in range(rng.randrange(1, most)))) for _ in range(n)]


def fuzz(n: int) -> None:
    """Both engines agree, offsets are valid, twice is once."""
    fast, slow = Redactor(key=b"fuzz"), Redactor(engine="re2", key=b"fuzz")
    wrong = late = 0
    for start in range(0, n, 500):
        texts = [*fuzzed(min(495, n - start), seed=start), *fuzzed(min(5, max(0, n - start - 495)), seed=start, most=240)]  # a few dense ones
        a, b = fast.redact_parts(texts), slow.redact_parts(texts)
        again = fast.redact_batch([r.text for r in a])
        for text, x, y, twice in zip(texts, a, b, again, strict=True):
            valid = all(0 <= e.start < e.end <= len(text) for e in x.entities)
            if "time" in (x.dropped, y.dropped) or twice == "[DROPPED:time]":  # a budget of CPU time is no law
                late += 1
            elif x != y or not valid or twice != x.text:
                wrong += 1
                if wrong <= 10:
                    print(repr(text), x, y, twice, sep="\n  ")
    print(f"{n} fuzzed texts, {wrong} wrong, {late} withheld for time")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
