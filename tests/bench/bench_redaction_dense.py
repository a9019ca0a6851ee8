"""Redaction of texts that hold little but personal data, secrets, or noise that looks like them: MB of UTF-8 per second of CPU time.

    python tests/bench/bench_redaction_dense.py [--engine re2] [--runs 3] [--mixtures 40 [--seed 1]]

Each kind at 64 KB, 256 KB and 1 MB, the slowest first; what was withheld, and why, stands behind its speed. With ``--mixtures`` instead
so many texts of 1 KB to 1 MB, each of some kinds, some of their records disguised.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import bench_redaction as bench

from collector.redaction import Redactor, rules

SIZES = (64_000, 256_000, 1_000_000)
_B62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _card(rng: random.Random) -> str:
    pan = "4539" + "".join(rng.choice("0123456789") for _ in range(11))
    return pan + str(-sum(sum(divmod(2 * int(c), 10)) if k % 2 == 0 else int(c) for k, c in enumerate(reversed(pan))) % 10)


def _iban(rng: random.Random) -> str:
    body = "".join(rng.choice("0123456789") for _ in range(18))
    return f"DE{98 - int(body + '131400') % 97:02d}{body}"


def _grouped(digits: str) -> str:
    return " ".join(digits[k : k + 4] for k in range(0, len(digits), 4))


def _word(rng: random.Random, n: int) -> str:
    return "".join(rng.choice(_B62) for _ in range(n))


#: One record of each kind, the number of the record in hand.
RECORDS: dict[str, Callable[[random.Random, int], str]] = {
    "e-mails": lambda _, i: f"ana.berg{i}@example.org, ",
    "e-mails in brackets": lambda _, i: f"Ana Berg <ana.berg{i}@mail.example.org>; ",
    "cards": lambda r, _: f"{_card(r)}\n",
    "cards in groups": lambda r, _: _grouped(_card(r)) + ", ",
    "ibans": lambda r, _: f"{_iban(r)}\n",
    "phones, national": lambda r, _: f"({r.randint(201, 989)}) 555-{r.randint(1000, 9999)}, ",
    "phones, international": lambda r, _: f"+44 7700 {r.randint(100000, 999999)}\n",
    "social security numbers": lambda r, _: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{r.randint(1000, 9999)} ",
    "ip addresses": lambda r, _: f"203.0.{r.randint(0, 255)}.{r.randint(1, 254)} GET /\n",
    "addresses": lambda r, _: f"{r.randint(1, 999)} Main Street, ",
    "passwords": lambda r, i: f"user{i}: password={_word(r, 10)}7!\n",
    "vendor keys": lambda r, _: f"ghp_{_word(r, 36)}\n",
    "jwt-like": lambda r, _: f"eyJhbGciOiJIUzI1NiJ9.{_word(r, 60)}.{_word(r, 43)} ",
    "json contacts": lambda r, i: (
        f'{{"id": {i}, "name": "Ana Berg", "email": "ana{i}@example.org", "phone": "+1 202-555-{r.randint(1000, 9999)}"}},\n'
    ),
    "html rows of secrets": lambda r, i: f"<tr><td>user{i}</td><td>{_word(r, 12)}9</td></tr>",
    "csv rows of secrets": lambda r, i: f"user{i},{_word(r, 12)}9\n",
    "base64 twice": lambda _, i: base64.b64encode(base64.b64encode(f"mail ana{i}@example.org and text".encode())).decode() + " ",
    "escaped e-mails": lambda _, i: f"ana{i}\\u0040example.org ",
    "full-width cards": lambda r, _: "".join(chr(0xFEE0 + ord(c)) for c in _card(r)) + " ",
    "zero width in cards": lambda r, _: "\u200b".join(_card(r)) + " ",
    "unix times": lambda r, _: f"{r.randint(1_600_000_000, 1_800_000_000)},",
    "random digits": lambda r, _: str(r.randrange(10**15, 10**16)) + " ",
}
HEADS = {"html rows of secrets": "<table><tr><th>user</th><th>password</th></tr>", "csv rows of secrets": "user,password\n"}


def dense(kind: str, size: int, seed: int = 8) -> str:
    """A text of one kind, about so many bytes long."""
    rng = random.Random(seed)

    def pieces() -> Iterator[str]:
        left = size - len(HEADS.get(kind, ""))
        yield HEADS.get(kind, "")
        for i in count():
            if left <= 0:
                return
            record = RECORDS[kind](rng, i)
            left -= len(record.encode())
            yield record

    return "".join(pieces())


#: What a record may be disguised as.
DISGUISES: dict[str, Callable[[str], str]] = {
    "json": lambda text: "".join(f"\\u{ord(c):04x}" if not c.isalnum() else c for c in text),
    "json, all": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "url": lambda text: "".join(f"%{ord(c):02X}" if not c.isalnum() else c for c in text),
    "html": lambda text: "".join(f"&#{ord(c)};" if not c.isalnum() else c for c in text),
    "full width": lambda text: "".join(chr(0xFEE0 + ord(c)) if c.isalnum() else c for c in text),
    "zero width": lambda text: "\u200b".join(text),
    "base64": lambda text: base64.b64encode(text.encode()).decode() + " ",
    "hexadecimal": lambda text: text.encode().hex() + " ",
}


def mixture(rng: random.Random) -> tuple[str, str]:
    """A name and a text: records of one to four kinds by turns of chance, some of them disguised."""
    kinds = rng.sample(sorted(RECORDS), rng.randint(1, 4))
    some = rng.sample(sorted(DISGUISES), rng.randint(0, 2))
    size, share = int(10 ** rng.uniform(3, 6)), rng.random()
    records: list[str] = []
    left = size
    for i in count():
        if left <= 0:
            break
        record = RECORDS[rng.choice(kinds)](rng, i)
        if some and record.isascii() and rng.random() < share:
            record = DISGUISES[rng.choice(some)](record)
        left -= len(record.encode())
        records.append(record)
    return f"{' + '.join(kinds)}{f' as {share:.0%} ' + ', '.join(some) if some else ''}", "".join(records)


def mixtures(redactor: Redactor, n: int, seed: int, runs: int) -> None:
    """Print the speed of each mixture, the slowest first."""
    rng = random.Random(seed)
    told: list[tuple[float, str]] = []
    for _ in range(n):
        name, text = mixture(rng)
        redactor.take_counts()
        _, seconds = bench.best(redactor, [text], runs)
        size = len(text.encode())
        why = redactor.take_counts()[1]
        told.append((size / seconds, f"{size / seconds / 1e6:6.1f} MB/s {seconds * 1e3:6.1f} ms {size:8d} bytes {'/'.join(why):11s} {name}"))
    print("\n".join(line for _, line in sorted(told)))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="hyperscan", choices=("hyperscan", "re2"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mixtures", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    redactor = Redactor(engine=args.engine, key=b"bench")
    redactor.redact(rules.example("warm up {w20} ana@example.org 4111 1111 1111 1111"))
    if args.mixtures:
        mixtures(redactor, args.mixtures, args.seed, args.runs)
        return
    told: list[tuple[float, str]] = []
    for kind in RECORDS:
        figures: list[str] = []
        least = 9e9
        for size in SIZES:
            redactor.take_counts()
            text = dense(kind, size)
            _, seconds = bench.best(redactor, [text], args.runs)
            speed = len(text.encode()) / seconds / 1e6
            why = redactor.take_counts()[1]
            least = min(least, speed)
            figures.append(f"{speed:6.1f} MB/s {seconds * 1e3:6.1f} ms{' withheld: ' + '/'.join(why) if why else ''}")
        told.append((least, f"{kind:24s} " + "   ".join(figures)))
    print("\n".join(line for _, line in sorted(told)))


if __name__ == "__main__":
    main()
