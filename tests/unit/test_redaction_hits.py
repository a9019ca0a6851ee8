"""Hits kept by compiled code are those that Python would keep; both stop where it is enough."""

from __future__ import annotations

import pytest

from collector.redaction import compiled, rules, scan
from collector.redaction.budget import Budget, Dropped
from collector.redaction.hits import CompiledCollector, PlainCollector
from collector.redaction.joined import join_texts

pytestmark = pytest.mark.skipif(compiled.load() is None, reason="nothing was compiled with this installation: no C compiler")


def scanners() -> tuple[scan.HyperscanScanner, scan.HyperscanScanner]:
    """One that collects in C, and one in Python."""
    some = scan.HyperscanScanner(rules.triggers(rules.load())), scan.HyperscanScanner(rules.triggers(rules.load()))
    assert isinstance(some[0]._collector, CompiledCollector)  # pyright: ignore[reportPrivateUsage]
    some[1]._collector = PlainCollector()  # pyright: ignore[reportPrivateUsage]
    return some


def test_both_tell_of_the_same_hits() -> None:
    texts = [rules.example(some) for rule in rules.load() for some in (*rule.positives, *rule.negatives)]
    for batch in (texts, ["202-555-0143, " * 20_000], ["nothing here"], [""]):
        joined = join_texts(batch)
        told, expected = [scanner.hits(joined.raw, joined.starts, joined.ends) for scanner in scanners()]
        assert told == expected
        assert all(type(hit) is int for hit in told[:1])


@pytest.mark.parametrize("which", [0, 1], ids=["C", "Python"])
def test_what_is_too_dense_is_refused(which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    joined = join_texts(["202-555-0143, " * 20_000])
    monkeypatch.setattr(scan, "candidate_limit", lambda _: 10_000)
    with pytest.raises(scan.TooDense):
        scanners()[which].hits(joined.raw, joined.starts, joined.ends)


@pytest.mark.parametrize("which", [0, 1], ids=["C", "Python"])
def test_what_is_late_is_given_up(which: int) -> None:
    joined = join_texts(["202-555-0143, " * 20_000])
    with pytest.raises(Dropped, match="time"):
        scanners()[which].hits(joined.raw, joined.starts, joined.ends, Budget(0.0, 0.0))


@pytest.mark.parametrize("which", [0, 1], ids=["C", "Python"])
def test_where_there_are_many_a_sample_is_tried_once_and_nothing_is_lost(which: int) -> None:
    joined = join_texts(["202-555-0143, " * 20_000])
    tried: list[int] = []
    scanner = scanners()[which]
    found = scanner.hits(joined.raw, joined.starts, joined.ends, None, lambda: tried.append(1))
    assert tried == [1]
    assert found == scanner.hits(joined.raw, joined.starts, joined.ends)


@pytest.mark.parametrize("which", [0, 1], ids=["C", "Python"])
def test_an_error_while_it_scans_gives_no_hits(which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_CHECK_EVERY", 64)

    class Broken(Budget):
        asked = 0

        def late(self) -> bool:
            Broken.asked += 1
            if Broken.asked > 50:  # far more than once a database
                raise RuntimeError("broken")
            return False

    joined = join_texts(["202-555-0143, " * 20_000])
    with pytest.raises(Exception):  # noqa: B017, PT011 - hyperscan wraps it
        scanners()[which].hits(joined.raw, joined.starts, joined.ends, Broken(9.0, 9.0))
    assert Broken.asked > 50
