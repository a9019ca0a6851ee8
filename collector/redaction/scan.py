"""First pass: where is a closer look needed? Hyperscan by default, google-re2 as the equal fallback.

Both report, per group of triggers and in ascending order, the end of a trigger and its number in one integer (``HIT_BITS``),
over a buffer in which texts are joined by NUL bytes. Triggers are written so that both see the same regions (see ``docs/decisions/0005``).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import hyperscan as hs
import numpy as np
import re2

from collector.redaction.budget import Budget, Dropped
from collector.redaction.compiled import best_gates
from collector.redaction.gates import Bytes, Gates
from collector.redaction.hits import HIT_BITS, Collector, best_collector
from collector.redaction.rules import DATABASES, Trigger
from collector.redaction.spelled import spelled_out

Hits = list[int]
_CHECK_EVERY = 8_192  # hits between looks at the clock: two milliseconds
_MOST_HITS = 300_000  # to hear of them takes a tenth of a second
_TRIED, _DENSE = 2_048, 64  # hits from which on a dense text is tried first, and bytes for each at most


class TooDense(Exception):
    """More candidates than a text of this size may have."""


class Scanner(Protocol):
    """What the engine asks of a scanner."""

    def hits(
        self, buffer: bytes, starts: Sequence[int], ends: Sequence[int], deadline: Budget | None = None, attempt: Callable[[], None] | None = None
    ) -> Hits:
        """Trigger ends over all texts, group by group, ascending within a group. Raises ``TooDense``, or ``Dropped`` past the deadline.
        ``attempt`` is called once where there are many; it may raise these too."""
        ...


def candidate_limit(size: int) -> int:
    """How many candidates a buffer of ``size`` bytes may have before it is refused: a list of telephone numbers has one every four bytes."""
    return min(1024 + size // 3, _MOST_HITS)


_compile_lock = threading.Lock()


@cache
def _compiled(group: tuple[tuple[int, bytes, bool, bool], ...]) -> bytes:
    db = hs.Database(mode=hs.HS_MODE_BLOCK)
    strings = [
        (i, e, hs.HS_FLAG_CASELESS if caseless else 0)
        for i, whole, caseless, spelled in group
        for e in (map(re.escape, spelled_out(whole)) if spelled else (whole,))
    ]
    ids, expressions, flags = zip(*strings, strict=True)
    db.compile(expressions=expressions, ids=ids, flags=flags)
    return hs.dumpb(db)


def _databases(gates: Gates) -> list[tuple[str, tuple[str, ...]]]:
    """``DATABASES``, with the scans whose gates are not known in the first one, which is scanned everywhere."""
    known = [(gate, scans) for gate, scans in DATABASES if gate in gates.names]
    everywhere = [scan for gate, scans in DATABASES if gate not in gates.names for scan in scans]
    return [("all", tuple(everywhere)), *known]


class HyperscanScanner:
    """The databases, each with its own scratch: belongs to one thread."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._gates = best_gates()
        self._collector = best_collector(_MOST_HITS)
        self._databases: list[tuple[str, Any]] = []
        for gate, scans in _databases(self._gates):
            group = tuple((i, t.expression, t.ignore_case, t.spelled) for i, t in enumerate(triggers) if t.rule.scan in scans)
            if group:
                with _compile_lock:
                    db = hs.loadb(_compiled(group), mode=hs.HS_MODE_BLOCK)
                db.scratch = hs.Scratch(db)
                self._databases.append((gate, db))

    def hits(
        self, buffer: bytes, starts: Sequence[int], ends: Sequence[int], deadline: Budget | None = None, attempt: Callable[[], None] | None = None
    ) -> Hits:
        """See ``Scanner``."""
        limit = candidate_limit(len(buffer))
        regions = self._gates.regions(buffer)
        cuts = {gate: some.cut(buffer) for gate, some in regions.items() if some}
        together: Hits = []
        found: dict[str, Hits] = {gate: [] for gate in cuts}
        tried = max(_TRIED, len(buffer) // _DENSE) if attempt else limit
        for gate, db in self._databases:
            if deadline is not None:
                deadline.check()
            if regions[gate] is not None and gate not in cuts:
                continue
            text, into = (buffer, together) if regions[gate] is None else (cuts[gate], found[gate])
            before = len(into)
            if not _scan(db, text, into, limit, deadline, tried, self._collector):
                del into[before:]
                tried = limit
                cuts = {name: bytes(cut) for name, cut in cuts.items()}  # it asks for regions of its own, in the same memory
                text = cuts.get(gate, buffer)
                regions = {name: some and some.kept() for name, some in regions.items()}
                attempt()  # type: ignore[misc]
                _scan(db, text, into, limit, deadline, limit, self._collector)
        for gate, hits in found.items():
            if hits:
                cut = np.array(hits)
                together += (cut + (regions[gate].moves(cut >> HIT_BITS) << HIT_BITS)).tolist()  # type: ignore[union-attr]
        if len(together) > limit:
            raise TooDense
        return together


def _scan(db: Any, text: bytes | Bytes, hits: Hits, limit: int, deadline: Budget | None, tried: int, collector: Collector) -> bool:
    """Append the hits in a text. Gives up, and says so, where there are more than ``tried`` of the ``limit``."""

    def enough(found: int) -> int:
        return 0 if found > tried or (deadline is not None and deadline.late()) else max(1, min(tried - found, _CHECK_EVERY))

    try:
        collector.begin(min(tried, _CHECK_EVERY), enough)
        db.scan(text, match_event_handler=collector.on_match)
    except hs.ScanTerminated as exc:
        found = len(collector.hits())
        if limit > tried < found:
            return False
        raise (TooDense if found > limit else Dropped("time")) from exc
    hits += collector.hits()
    return True


class Re2Scanner:
    """Which triggers, by one set match per text or region; then where, trigger by trigger."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._gates = best_gates()
        self._groups: list[tuple[str, Any, list[int]]] = []
        self._patterns: list[Any] = []
        for t in triggers:
            self._patterns.append(re2.compile(t.expression, _options(t.ignore_case)))
        for gate, scans in _databases(self._gates):
            numbers = [i for i, t in enumerate(triggers) if t.rule.scan in scans]
            if not numbers:
                continue
            group = re2.Set.SearchSet(_options(False))
            for i in numbers:
                group.Add((b"(?i)" if triggers[i].ignore_case else b"") + triggers[i].expression)
            group.Compile()
            self._groups.append((gate, group, numbers))

    def hits(
        self, buffer: bytes, starts: Sequence[int], ends: Sequence[int], deadline: Budget | None = None, attempt: Callable[[], None] | None = None
    ) -> Hits:
        """See ``Scanner``."""
        regions = self._gates.regions(buffer)
        limit = candidate_limit(len(buffer))
        all_found: Hits = []
        for gate, group, numbers in self._groups:
            found: Hits = []
            some = regions[gate]
            if deadline is not None:
                deadline.check()
            for start, end in zip(starts, ends, strict=True) if some is None else some:
                text, shift = (buffer[start - 1 : end + 1], start - 1) if some is None else (b"\0" + buffer[start:end] + b"\0", start - 1)
                for n in group.Match(text) or ():
                    found += [(shift + at) << HIT_BITS | numbers[n] for at in self._ends(numbers[n], text)]
                    if len(found) > limit:
                        raise TooDense
            all_found += sorted(set(found))
            if len(all_found) > limit:
                raise TooDense
        return all_found

    def _ends(self, number: int, text: bytes) -> list[int]:
        """Ends of matches, also of those that begin inside an earlier one (a trigger's first byte may be another's last)."""
        pattern, at, ends = self._patterns[number], 0, []
        while (m := pattern.search(text, at)) is not None:
            ends.append(m.end())
            at = m.start() + 1
        return ends


def _options(ignore_case: bool) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not ignore_case
    options.max_mem = 64 << 20
    return options
