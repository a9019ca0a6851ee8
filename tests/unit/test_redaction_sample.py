"""A long dense text is tried by a sample first: that must not change what the scan sees of the whole."""

from __future__ import annotations

import random

from collector.redaction import Redactor


def test_what_is_tried_first_hides_nothing_of_the_whole() -> None:
    rng = random.Random(3)
    words = "so this is what they told us of it at the time and nothing else was said by anybody there"

    def buffer(n: int) -> bytes:
        numbers = (f"+1 {rng.randint(201, 989)} {rng.randint(200, 999)} {rng.randint(1000, 9999)}" for _ in range(2 * n))
        return f"\0{' '.join(f'{a} or {b}, {words[: rng.randint(40, 88)]}' for a, b in zip(numbers, numbers, strict=True))}\0".encode()

    whole, sample = buffer(3000), buffer(80)
    scanner = Redactor()._finder.scanner  # pyright: ignore[reportPrivateUsage]
    tried: list[int] = []
    alone = scanner.hits(whole, [1], [len(whole) - 1])
    assert scanner.hits(whole, [1], [len(whole) - 1], None, lambda: tried.extend(scanner.hits(sample, [1], [len(sample) - 1]))) == alone
    assert tried
