"""The redactor: one scan per batch, a closer look around hits, decoded and joined views, replacement, all fail closed."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from collector.redaction import handlers, rules, scan
from collector.redaction.matching import Runaway, Span
from collector.redaction.placeholders import PLACEHOLDER, placeholder, resolve
from collector.redaction.seams import begins_message, borders, messages
from collector.redaction.views import decode, prepare, unwrap_base64, window

BUDGET_S = 0.008  # CPU time for a text, besides its size at RATE and what it finds; both looks, before and after replacement, share it
FIND_S = 60e-6  # CPU time for every value found: a list of customers takes longer than prose, noise that looks like one does not
RATE = 9_000_000  # bytes per second that any input reaches or is dropped; ordinary text is six times as fast
LONGEST_S = 0.24
_LOOK_S = 0.15  # of it at most for the first look: replacement and the second look take the rest
MAX_BYTES = 16 << 20
AROUND = 200  # bytes around a placeholder in which replacement may have changed what rules see
_NEAR = 112  # bytes around a placeholder in which there must be more than words for a second look
_LIVELY = re.compile(rb"[0-9@=\\%&`\x80-\xff]")
ROUNDS = 3  # redact again until nothing changes, at most so often
_CHECK_EVERY = 32  # candidates between looks at the clock


@dataclass(frozen=True, slots=True)
class Entity:
    """What was found: class and place, in code points of the input."""

    class_name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """One redacted text. ``dropped``: why the whole text was withheld, if it was."""

    text: str
    entities: list[Entity] = field(default_factory=list)
    dropped: str | None = None


Buffer = bytes | bytearray | memoryview  # or whatever shows its bytes, such as a pyarrow.Buffer
Changed = dict[int, tuple[bytes, list[Span], str | None]]  # text number: new text, spans in bytes of the input, reason if dropped


class Budget:
    """CPU seconds that may be spent: some at once, more for every value found, up to a most. Reads the wall clock, which costs
    nothing, before the thread's own clock, a system call; a busy machine costs no text.
    """

    __slots__ = ("_cpu_from", "_found", "_most", "_seconds", "_wall_until")

    def __init__(self, seconds: float, most: float) -> None:
        self._seconds, self._most = seconds, most
        self._wall_until = time.perf_counter() + seconds
        self._cpu_from = time.thread_time()
        self._found = 0

    def over(self, found: int = 0) -> bool:
        """Is it spent, where so many values have been found so far?"""
        if time.perf_counter() < self._wall_until:
            return False
        self._found = max(self._found, found)
        return time.thread_time() - self._cpu_from > min(self._seconds + self._found * FIND_S, self._most)


class _Dropped(Exception):
    """This batch (or text) cannot be redacted within bounds; ``args[0]`` is the reason."""


class Redactor:
    """Removes personal data and secrets from texts. One per thread: scanners keep scratch memory.

    Args:
        engine: ``hyperscan``, or ``re2`` with equal results at a third of the speed.
        user_rules: YAML files with further rules (linear-time patterns only).
        key: with a key, classes worth joining on carry a keyed hash: ``[EMAIL:3f9a1c0277]``.

    Raises:
        ConfigError: a user rule is not usable.
    """

    def __init__(self, *, engine: Literal["hyperscan", "re2"] = "hyperscan", user_rules: Sequence[Path] = (), key: bytes = b"") -> None:
        own = rules.load()
        triggers = rules.triggers(own)
        self._scanner: scan.Scanner = scan.HyperscanScanner(triggers) if engine == "hyperscan" else scan.Re2Scanner(triggers)
        self._patience = 1 if engine == "hyperscan" else 4  # the fallback scans slower: it must not drop what the other keeps
        self._table = handlers.build(own, triggers)
        self._user = rules.load_user_rules(user_rules)
        self._key = key
        prepare()
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._deadline = Budget(0.0, 0.0)

    def take_counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Entities per class and dropped texts per reason since the last call."""
        taken = dict(self.counts), dict(self.dropped)
        self.counts, self.dropped = Counter(), Counter()
        return taken

    def redact(self, text: str) -> Redacted:
        """One text with what was found in it."""
        return self.redact_parts([text])[0]

    def redact_batch(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[str]:
        """Redacted texts in the same order. Neighbours with equal ``groups`` value are parts of one span or stream."""
        out = list(texts)
        for i, (text, _, _) in self._run(*self._encoded(texts), groups).items():
            out[i] = text.decode()
        return out

    def redact_buffer(
        self, data: Buffer, offsets: Sequence[int] | np.ndarray[Any, Any], groups: Sequence[int] | np.ndarray[Any, Any] | None = None
    ) -> dict[int, bytes]:
        """Like ``redact_batch`` for texts that lie end to end, as in an Arrow string array: only what changed, as UTF-8, by row.

        Args:
            data: UTF-8 without separators.
            offsets: n + 1 ascending offsets into it, of n texts; they need not begin at 0.
            groups: n numbers; neighbours with equal number are parts of one span or stream.
        """
        raw = data if isinstance(data, bytes) else bytes(memoryview(data))
        bounds: list[int] = offsets.tolist() if isinstance(offsets, np.ndarray) else list(offsets)
        parts = [raw[a:z] for a, z in pairwise(bounds)]
        changed: Changed = {}
        if not raw.isascii():
            for i, part in enumerate(parts):
                if not part.isascii() and not _is_utf8(part):
                    parts[i] = self._drop(changed, i, "invalid_text")
        same = groups.tolist() if isinstance(groups, np.ndarray) else groups
        found = self._run(parts, changed, same)
        return {i: found[i][0] for i in sorted(found)}

    def redact_parts(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[Redacted]:
        """Like ``redact_batch``, with entities and reasons."""
        changed = self._run(*self._encoded(texts), groups)
        out: list[Redacted] = []
        for i, text in enumerate(texts):
            if i not in changed:
                out.append(Redacted(text))
                continue
            new, spans, reason = changed[i]
            raw = text.encode("utf-8", "surrogatepass")
            entities = [Entity(n, len(raw[:a].decode("utf-8", "ignore")), len(raw[:z].decode("utf-8", "ignore"))) for a, z, n in spans]
            out.append(Redacted(new.decode(), entities, reason))
        return out

    # -- one batch ------------------------------------------------------------------------------------------------

    def _encoded(self, texts: Sequence[str]) -> tuple[list[bytes], Changed]:
        """The texts as UTF-8, and those that cannot be said in it, dropped."""
        changed: Changed = {}
        try:
            return [text.encode() for text in texts], changed
        except UnicodeEncodeError:
            parts: list[bytes] = []
            for i, text in enumerate(texts):
                try:
                    parts.append(text.encode())
                except UnicodeEncodeError:
                    parts.append(self._drop(changed, i, "invalid_text"))
            return parts, changed

    def _run(self, parts: list[bytes], changed: Changed, groups: Sequence[int] | None) -> Changed:
        """Changed texts only: index → new text, spans in bytes of the input, reason if dropped. ``changed``: those dropped already."""
        if parts and len(max(parts, key=len)) > MAX_BYTES:
            for i, part in enumerate(parts):
                if len(part) > MAX_BYTES:
                    parts[i] = self._drop(changed, i, "too_large")
        self._give_time(parts)
        try:
            found = self._find(parts, groups)
        except _Dropped as exc:
            found = self._one_by_one(parts, groups, changed, str(exc))
        except Exception:  # a defect in a matcher must never let a text through
            found = self._one_by_one(parts, groups, changed, "error")
        if found:
            self._settle({i: spans for i, spans in found.items() if i not in changed}, parts, changed)
        return changed

    def _give_time(self, parts: Sequence[bytes]) -> None:
        """Start the clock for a batch, or for one text."""
        budget = (BUDGET_S + sum(map(len, parts)) / RATE) * self._patience
        self._deadline = Budget(min(budget, _LOOK_S), _LOOK_S) if len(parts) == 1 else Budget(budget, budget + _LOOK_S)

    def _drop(self, changed: Changed, i: int, reason: str) -> bytes:
        changed[i] = (f"[DROPPED:{reason}]".encode(), [], reason)
        self.dropped[reason] += 1
        return b""

    def _one_by_one(self, parts: list[bytes], groups: Sequence[int] | None, changed: Changed, reason: str) -> dict[int, list[Span]]:
        """Something in the batch is too costly or broken: find out what, drop that, keep the rest."""
        found: dict[int, list[Span]] = {}
        if len(parts) == 1:
            parts[0] = self._drop(changed, 0, reason)
            return found
        for i, raw in enumerate(parts):
            self._give_time([raw])
            try:
                spans = self._find([raw], None).get(0)
                if spans:
                    found[i] = spans
            except _Dropped as exc:
                parts[i] = self._drop(changed, i, str(exc))
            except Exception:
                parts[i] = self._drop(changed, i, "error")
        if groups is not None:
            self._seams_only(parts, groups, changed, found)
        return found

    def _seams_only(self, parts: list[bytes], groups: Sequence[int], changed: Changed, found: dict[int, list[Span]]) -> None:
        """The cross-message view of each group by itself; a group that cannot be judged is dropped whole."""
        members: dict[int, list[int]] = {}
        for i, g in enumerate(groups):
            members.setdefault(g, []).append(i)
        for several in members.values():
            if len(several) < 2:
                continue
            self._give_time([parts[i] for i in several])
            try:
                for k, spans in self._find([parts[i] for i in several], [0] * len(several)).items():
                    found[several[k]] = spans
            except Exception as exc:
                reason = str(exc) if isinstance(exc, _Dropped) else "error"
                for i in several:
                    if i not in changed:
                        parts[i] = self._drop(changed, i, reason)

    def _settle(self, found: dict[int, list[Span]], parts: Sequence[bytes], changed: Changed) -> None:
        """Replace, then look again until nothing is found: what a redacted text says is stable."""
        for _ in range(ROUNDS):
            if not found:
                return
            order = list(found)
            replaced = [self._replace(parts[i], found[i]) for i in order]
            again = self._again([new for new, _ in replaced], [found[i] for i in order])
            later: dict[int, list[Span]] = {}
            for k, i in enumerate(order):
                more = again.get(k)
                new, moves = replaced[k]
                if isinstance(more, str):
                    self._drop(changed, i, more)
                elif more:
                    moved = [(_origin(moves, a), _origin(moves, z, end=True), n) for a, z, n in more]
                    later[i] = resolve(parts[i], 0, len(parts[i]), found[i] + moved)
                else:
                    changed[i] = (new, found[i], None)
                    self.counts.update([n for _, _, n in found[i]])
            found = later
        for i in found:
            self._drop(changed, i, "unstable")

    def _again(self, texts: list[bytes], spans: list[list[Span]]) -> dict[int, list[Span] | str]:
        """Spans per redacted text, or the reason why one cannot be judged.

        What replacement could have brought about stands near a placeholder: of long texts only these stretches are looked at
        first, and the whole text where one shows anything.
        """
        try:
            near: list[bytes] = []
            owners: list[int] = []
            for k, (text, found) in enumerate(zip(texts, spans, strict=True)):
                some = _stretches(text, found)
                near += some
                owners += [k] * len(some)
            if not near:
                return {}
            doubtful = sorted({owners[n] for n in self._find(near, None)})
            return {doubtful[n]: found for n, found in self._find([texts[k] for k in doubtful], None).items()} if doubtful else {}
        except Exception as first:
            out: dict[int, list[Span] | str] = {}
            if len(texts) == 1:
                return {0: str(first) if isinstance(first, _Dropped) else "error"}
            for k, text in enumerate(texts):
                self._give_time([text])
                try:
                    out[k] = self._find([text], None).get(0, [])
                except Exception as exc:
                    out[k] = str(exc) if isinstance(exc, _Dropped) else "error"
            return out

    def _replace(self, raw: bytes, spans: Sequence[Span]) -> tuple[bytes, list[tuple[int, int]]]:
        """The text with placeholders, and per unchanged stretch (offset in it, offset in ``raw``)."""
        pieces: list[bytes] = []
        moves: list[tuple[int, int]] = [(0, 0)]
        last = size = 0
        for start, end, name in spans:
            mark = placeholder(name, raw[start:end], self._key)
            pieces += [raw[last:start], mark]
            size += start - last + len(mark)
            moves.append((size, end))
            last = end
        pieces.append(raw[last:])
        return b"".join(pieces), moves

    # -- finding --------------------------------------------------------------------------------------------------

    def _find(self, parts: Sequence[bytes], groups: Sequence[int] | None) -> dict[int, list[Span]]:
        """Spans per text (offsets in bytes of the text), for texts with any.

        Raises:
            _Dropped: over the candidate or time budget.
        """
        starts = list(accumulate((len(p) + 1 for p in parts), initial=1))
        ends = [s + len(p) for s, p in zip(starts, parts, strict=False)]
        starts.pop()
        b = b"\0" + b"\0".join(parts) + b"\0"
        deadline = self._deadline
        out: list[Span] = []
        escapes, wrapped, listed = self._look(b, starts, ends, out, deadline)
        if len(b) - np.count_nonzero(np.frombuffer(b, np.uint8)) > len(parts) + 1:
            escapes += [(i, at + 1) for i, (a, z) in enumerate(zip(starts, ends, strict=True)) for at in _nuls(b, a, z)]
            escapes.sort()
        self._user_rules(b, starts, ends, out)
        self._views(b, starts, ends, escapes, wrapped, out, deadline)
        self._seams(b, starts, ends, groups, listed, out, deadline)
        return _per_text(b, starts, ends, out)

    def _look(
        self, b: bytes, starts: list[int], ends: list[int], out: list[Span], deadline: Budget, *, views: bool = True
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[int]]:
        """Scan and hand each candidate to its matcher. Returns triggers for decoding, for base64, and texts with messages."""
        try:
            hits = self._scanner.hits(b, starts, ends)
        except scan.TooDense as exc:
            raise _Dropped("candidates") from exc
        table = self._table
        Runaway.generation += 1
        slots, slot_of, special = table.handlers, table.slots, table.special
        done = [0] * len(slots)
        escapes: list[tuple[int, int]] = []
        wrapped: list[tuple[int, int]] = []
        listed: list[int] = []
        clock = _CHECK_EVERY
        for to, trigger in hits:
            slot = slot_of[trigger]
            if to <= done[slot]:
                continue
            i = bisect_right(starts, to - 1) - 1
            name = special[slot]
            if name is None:
                done[slot] = end = slots[slot](b, min(to, ends[i]), starts[i], ends[i], out)
                if end - to > 512:
                    clock = 1
            elif views:
                if name == "escape":
                    escapes.append((i, to))
                elif name == "base64":
                    wrapped.append((i, to))
                elif (not listed or listed[-1] != i) and begins_message(b, to, ends[i]):
                    listed.append(i)
            clock -= 1
            if not clock:
                clock = _CHECK_EVERY
                if deadline.over(len(out)):
                    raise _Dropped("time")
        return escapes, wrapped, listed

    def _user_rules(self, b: bytes, starts: list[int], ends: list[int], out: list[Span]) -> None:
        for rule in self._user:
            for lo, hi in zip(starts, ends, strict=True):
                for m in rule.pattern.finditer(b[lo:hi]):
                    start, end = m.span(rule.group)
                    if end > start:
                        out.append((lo + start, lo + end, rule.class_name))

    def _views(
        self,
        b: bytes,
        starts: list[int],
        ends: list[int],
        escapes: list[tuple[int, int]],
        wrapped: list[tuple[int, int]],
        out: list[Span],
        deadline: Budget,
    ) -> None:
        """Decode windows around escapes and base64 tokens, look into them all at once, map back what is there."""
        found = []
        texts: list[bytes] = []
        for seen, (i, (a, z)) in enumerate(_windows(b, starts, ends, escapes)):
            if not seen % 4 and deadline.over():
                raise _Dropped("time")
            view = decode(b[a:z], a, i)
            if view is not None:
                found.append(view.back)
                texts.append(view.text.encode("utf-8", "replace"))
        done = 0
        for i, to in wrapped:
            if to <= done:
                continue
            if deadline.over():
                raise _Dropped("time")
            token = unwrap_base64(b, to, starts[i], ends[i])
            if token is not None:
                done = token[1]
                found.append(lambda _s, _e, a=token[0], z=token[1]: (a, z))
                texts.append(token[2].encode())
        if texts:
            for n, spans in self._inner(texts, deadline).items():
                for start, end, name in spans:
                    a, z = found[n](start, end)
                    out.append((a, z, name))

    def _seams(
        self, b: bytes, starts: list[int], ends: list[int], groups: Sequence[int] | None, listed: list[int], out: list[Span], deadline: Budget
    ) -> None:
        """Look across the borders of parts; a span that crosses one takes its piece in every part."""
        views = []
        for i in listed:
            found = messages(b, starts[i], ends[i])
            if len(found) > 1:
                views += borders(b, found)
        if groups is not None:
            run: list[tuple[int, int]] = []
            last: int | None = None
            for i, g in enumerate(groups):
                if g != last and run:
                    views += borders(b, run) if len(run) > 1 else ()
                    run = []
                last = g
                run.append((starts[i], ends[i]))
            views += borders(b, run) if len(run) > 1 else ()
        if views:
            for n, spans in self._inner([v.text for v in views], deadline).items():
                for start, end, name in spans:
                    out.extend((a, z, name) for a, z in views[n].back(start, end))

    def _inner(self, texts: list[bytes], deadline: Budget) -> dict[int, list[Span]]:
        """Spans in derived texts (no further views of these)."""
        starts = list(accumulate((len(t) + 1 for t in texts), initial=1))
        ends = [s + len(t) for s, t in zip(starts, texts, strict=False)]
        starts.pop()
        b = b"\0" + b"\0".join(texts) + b"\0"
        out: list[Span] = []
        self._look(b, starts, ends, out, deadline, views=False)
        return _per_text(b, starts, ends, out)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _nuls(b: bytes, start: int, end: int) -> Iterable[int]:
    """Offsets of NUL bytes that a text itself holds."""
    at = b.find(0, start, end)
    while at >= 0:
        yield at
        at = b.find(0, at + 1, end)


def _stretches(text: bytes, found: Sequence[Span]) -> list[bytes]:
    """What may read differently now: the text, or, of a long one with few placeholders, what stands around these.

    Left out is what has nothing but words around its placeholders: every rule that words set off wants more than these.
    """
    if len(text) < 4 * AROUND or len(found) * 4 * AROUND > len(text):
        return [text] if _LIVELY.search(PLACEHOLDER.sub(b"", text)) else []
    marks = [m.span() for m in PLACEHOLDER.finditer(text)]
    lively = [(a, z) for a, z in marks if _LIVELY.search(PLACEHOLDER.sub(b"", text[max(0, a - _NEAR) : z + _NEAR]))]
    return [text[max(0, a - AROUND) : z + AROUND] for a, z in lively]


def _windows(b: bytes, starts: list[int], ends: list[int], escapes: list[tuple[int, int]]) -> Iterable[tuple[int, tuple[int, int]]]:
    """Merged windows around escape triggers, at most 4 kB each."""
    current: tuple[int, int] | None = None
    owner = -1
    for i, to in escapes:
        if current is not None and owner == i and to <= current[1]:
            if to + 160 <= current[1]:
                continue
            wider = window(b, to, starts[i], ends[i], 0)
            if wider[1] - current[0] <= 4096:
                current = (current[0], max(current[1], wider[1]))
                continue
        if current is not None:
            yield owner, current
        covered = current[1] if current is not None and owner == i else starts[i]
        current, owner = window(b, to, starts[i], ends[i], covered), i
        current = (max(current[0], min(covered - 96, to)) if covered > starts[i] else current[0], current[1])
        while current[0] > starts[i] and b[current[0]] & 0xC0 == 0x80:
            current = (current[0] - 1, current[1])
    if current is not None:
        yield owner, current


def _per_text(b: bytes, starts: list[int], ends: list[int], out: list[Span]) -> dict[int, list[Span]]:
    grouped: dict[int, list[Span]] = {}
    for span in out:
        grouped.setdefault(bisect_right(starts, span[0]) - 1, []).append(span)
    found: dict[int, list[Span]] = {}
    for i, spans in grouped.items():
        lo = starts[i]
        clean = [(a - lo, z - lo, n) for a, z, n in resolve(b, lo, ends[i], spans)]
        if clean:
            found[i] = clean
    return found


def _origin(moves: list[tuple[int, int]], at: int, *, end: bool = False) -> int:
    k = bisect_right(moves, (at - (1 if end else 0), 1 << 60)) - 1
    return moves[k][1] + at - moves[k][0]
