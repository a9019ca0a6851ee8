"""The redactor: one scan per batch, a closer look around hits, decoded and joined views, replacement, all fail closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from collector.redaction import rules
from collector.redaction.budget import LOOK_S, Budget, Dropped, given
from collector.redaction.exceptions import Exceptions
from collector.redaction.finding import Finder
from collector.redaction.joined import Joined, join, join_texts
from collector.redaction.matching import Span
from collector.redaction.placeholders import CHECKED, placeholder, placeholders
from collector.redaction.recall import Changed, Recall, groups_of
from collector.redaction.rough_numbers import all_numbers
from collector.redaction.seams import NEAR_BORDER, near_border
from collector.redaction.second_look import masked, near_marks, whole_lines, with_later

MAX_BYTES = 16 << 20
_SHORT = 16_000  # bytes of a text whose budget is so small that it is worth another try
_MIDDLING = 100_000  # bytes of a text whose budget may be spent more than once within a quarter of a second
ROUNDS = 5  # redact again until nothing changes, at most so often; in the end all numbers are taken, and then whole lines


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


class Redactor:
    """Removes personal data and secrets from texts. One per thread: scanners keep scratch memory.

    Args:
        engine: ``hyperscan``, or ``re2`` with equal results at a third of the speed.
        user_rules: further rules, or YAML files with such (linear-time patterns only).
        key: with a key, classes worth joining on carry a keyed hash: ``[EMAIL:3f9a1c0277]``.
        disable: classes that are left alone.
        allow: values that are left alone; see ``exceptions.Exceptions``.

    Raises:
        ConfigError: a user rule, a class or an allowed pattern is not usable.
    """

    def __init__(
        self,
        *,
        engine: Literal["hyperscan", "re2"] = "hyperscan",
        user_rules: Sequence[Path | dict[str, Any]] = (),
        key: bytes = b"",
        disable: Sequence[str] = (),
        allow: Sequence[str] = (),
    ) -> None:
        self._finder = Finder(engine, rules.load_user_rules(user_rules), Exceptions(rules.load(), disable, allow))
        self._patience = 1 if engine == "hyperscan" else 4  # the fallback scans slower: it must not drop what the other keeps
        self._key = key
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._deadline = Budget(0.0, 0.0)
        self._spent: dict[int, tuple[float, float]] = {}  # what the first look at a text alone has taken
        self._crossed: set[int] | None = None  # texts with a piece of a value that a border cuts, if known
        self._listing: dict[int, list[int]] | None = None  # texts that list messages, if known: where the next one begins
        self._recall = Recall(self._judge, self._crossing, self._count)
        self.seen = self._recall.seen

    def _count(self, names: Iterable[str]) -> None:
        self.counts.update(names)

    def take_counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Entities per class and dropped texts per reason since the last call."""
        taken = dict(self.counts), dict(self.dropped)
        self.counts, self.dropped = Counter(), Counter()
        return taken

    def forget(self) -> None:
        """Start anew: what earlier texts and numbers in them came to is not remembered."""
        self.seen.forget()
        for numbers in self._finder.table.numbers.values():
            numbers.known.clear()

    def redact(self, text: str) -> Redacted:
        """One text with what was found in it."""
        return self.redact_parts([text])[0]

    def redact_batch(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[str]:
        """Redacted texts in the same order. Neighbours with equal ``groups`` value are parts of one span or stream."""
        out = list(texts)
        for i, (text, _, _) in self._recall.changed(texts, groups).items():
            out[i] = text.decode()
        return out

    def redact_parts(self, texts: Sequence[str], groups: Sequence[int] | None = None) -> list[Redacted]:
        """Like ``redact_batch``, with entities and reasons."""
        changed = self._run(*self._encoded(texts), groups)
        out: list[Redacted] = []
        for i, text in enumerate(texts):
            if i not in changed:
                out.append(Redacted(text))
                continue
            new, spans, reason = changed[i]
            places = spans if text.isascii() else _in_characters(text.encode("utf-8", "surrogatepass"), spans)
            entities = [Entity(name, start, end) for start, end, name in places]
            out.append(Redacted(new.decode(), entities, reason))
        return out

    # -- one batch ------------------------------------------------------------------------------------------------

    def _judge(self, texts: Sequence[str], groups: Sequence[int] | None) -> tuple[Changed, set[int] | None]:
        """Changed texts, and which of them hold a piece of a value that a border cuts (``None``: that is not known)."""
        return self._run(*self._encoded(texts), groups), self._crossed

    def _crossing(self, texts: list[str], groups: list[int]) -> Iterable[int]:
        """Numbers of texts with a piece of a value that a border between texts of a group cuts. What cannot be told may have one."""
        try:
            joined = join_texts(texts)
            self._give_time(joined)
            return self._finder.crossing(joined, groups, self._deadline)
        except Exception:  # the usual way decides what to drop
            return range(len(texts))

    def _encoded(self, texts: Sequence[str]) -> tuple[Joined, Changed]:
        """The texts as UTF-8, and those that cannot be said in it, dropped."""
        changed: Changed = {}
        try:
            return join_texts(texts), changed
        except UnicodeEncodeError:
            parts: list[bytes] = []
            for i, text in enumerate(texts):
                try:
                    parts.append(text.encode())
                except UnicodeEncodeError:
                    parts.append(self._drop(changed, i, "invalid_text"))
            return join(parts), changed

    def _run(self, texts: Joined, changed: Changed, groups: Sequence[int] | None) -> Changed:
        """Changed texts only: index → new text, spans in bytes of the input, reason if dropped. ``changed``: those dropped already."""
        if len(texts.raw) > MAX_BYTES and texts.longest > MAX_BYTES:
            texts = join([self._drop(changed, i, "too_large") if len(part) > MAX_BYTES else part for i, part in enumerate(texts)])
        self._spent.clear()
        self._give_time(texts)
        try:
            found = self._finder.find(texts, groups, self._deadline)
            self._crossed, self._listing = self._finder.crossed, self._finder.listing
        except Dropped as exc:
            self._crossed = self._listing = None
            texts, found = self._one_by_one(texts, groups, changed, str(exc))
        except Exception:  # a defect in a matcher must never let a text through
            self._crossed = self._listing = None
            texts, found = self._one_by_one(texts, groups, changed, "error")
        if found:
            self._settle({i: spans for i, spans in found.items() if i not in changed}, texts, changed, groups)
        return changed

    def _give_time(self, texts: Joined) -> None:
        """Start the clock for a batch, or for one text."""
        self._deadline = given(len(texts.raw), len(texts) > 1, self._patience)

    def _find(self, parts: Sequence[bytes], groups: Sequence[int] | None = None, *, afresh: bool = False) -> dict[int, list[Span]]:
        """Spans of some texts, within the time that is left, or within time of their own."""
        texts = join(parts)
        if afresh:
            self._give_time(texts)
        return self._finder.find(texts, groups, self._deadline)

    def _drop(self, changed: Changed, i: int, reason: str) -> bytes:
        changed[i] = (f"[DROPPED:{reason}]".encode(), [], reason)
        self.dropped[reason] += 1
        return b""

    def _one_by_one(self, texts: Joined, groups: Sequence[int] | None, changed: Changed, reason: str) -> tuple[Joined, dict[int, list[Span]]]:
        """Something in the batch is too costly or broken: find out what, drop that, keep the rest. Dropped texts are empty in what it gives."""
        found: dict[int, list[Span]] = {}
        parts = list(texts)
        if len(parts) == 1 and not self._unlucky(reason, len(parts[0])):
            parts[0] = self._drop(changed, 0, reason)
            return join(parts), found
        for i, raw in enumerate(parts):
            try:
                spans = self._alone(i, raw, again=True)
                if spans:
                    found[i] = spans
            except Dropped as exc:
                parts[i] = self._drop(changed, i, str(exc))
            except Exception:
                parts[i] = self._drop(changed, i, "error")
        if groups is not None:
            self._seams_only(parts, groups, changed, found)
        return join(parts), found

    def _alone(self, i: int, raw: bytes, *, again: bool) -> list[Span]:
        """Spans of text ``i`` within what is left of its time; ``again``: looked at once more where bad luck may have taken that."""
        texts, before = join([raw]), self._deadline
        self._give_time(texts)
        self._deadline.looks, self._deadline.layouts = before.looks, before.layouts  # what texts may have together
        if i in self._spent and len(raw) > _SHORT:
            self._deadline.prolong()
            self._deadline.take(*self._spent[i])
        try:
            found = self._finder.find(texts, None, self._deadline).get(0, [])
        except Dropped as exc:
            if not again or not self._unlucky(str(exc), len(raw)):
                raise
            return self._alone(i, raw, again=False)
        self._spent[i] = self._deadline.spent()
        return found

    def _unlucky(self, reason: str, size: int) -> bool:
        """May the time of a text have gone into something else, or is it so short that another try costs next to nothing?"""
        return reason == "time" and (size <= _SHORT or (size <= _MIDDLING and self._deadline.disturbed()))

    def _seams_only(self, parts: list[bytes], groups: Sequence[int], changed: Changed, found: dict[int, list[Span]]) -> None:
        """The cross-message view of each group by itself; a group that cannot be judged is dropped whole."""
        members: dict[int, list[int]] = {}
        for i, g in enumerate(groups):
            members.setdefault(g, []).append(i)
        for several in members.values():
            if len(several) < 2:
                continue
            try:
                for k, spans in self._find([parts[i] for i in several], [0] * len(several), afresh=True).items():
                    found[several[k]] = spans
            except Exception as exc:
                reason = str(exc) if isinstance(exc, Dropped) else "error"
                for i in several:
                    if i not in changed:
                        parts[i] = self._drop(changed, i, reason)

    def _settle(self, found: dict[int, list[Span]], parts: Joined, changed: Changed, groups: Sequence[int] | None) -> None:
        """Replace, then look again until nothing is found, in texts and across borders: what redacted texts say is stable."""
        self._deadline.prolong()
        for _ in range(ROUNDS):
            self._replaced(found, parts, changed)
            found = self._cut_again(parts, changed, groups)
            if not found:
                return
            self._crossed = None
            for i in found:
                if i in changed:
                    self.counts.subtract(name for _, _, name in changed.pop(i)[1])
        for i in found:
            self._drop(changed, i, "unstable")

    def _cut_again(self, parts: Joined, changed: Changed, groups: Sequence[int] | None) -> dict[int, list[Span]]:
        """All spans of texts in which a border cuts something, as they now read. What cannot be judged is dropped."""
        if self._listing is None:
            listing = [i for i, (_, _, reason) in changed.items() if not reason]
        else:
            listing = [
                i for i in changed if i in self._listing and not changed[i][2] and near_border(self._listing[i], parts.starts[i], changed[i][1])
            ]
        several: list[list[int]] = []
        if groups:
            near = [i for i, (_, spans, _) in changed.items() if not spans or min(spans[0][0], len(parts[i]) - spans[-1][1]) < NEAR_BORDER]
            several = [members for members in groups_of(groups, sorted(near)) if len(members) > 1]
        found: dict[int, list[Span]] = {}
        if not several and not listing:
            return found
        grouped = {i for members in several for i in members}
        several += [[i] for i in listing if i not in grouped]
        try:
            return self._origins(self._across(several, listing, parts, changed), parts, changed)
        except Exception:
            for members in several:
                try:
                    found |= self._origins(self._across([members], listing, parts, changed), parts, changed)
                except Exception as exc:
                    for i in members:
                        self._drop(changed, i, str(exc) if isinstance(exc, Dropped) else "error")
            return found

    def _across(self, several: list[list[int]], listing: Sequence[int], parts: Joined, changed: Changed) -> dict[int, list[Span]]:
        """Spans across the borders of texts and of listed messages, in bytes of the texts as they now read."""
        some = [i for members in several for i in members]
        numbers = [k for k, members in enumerate(several) for _ in members]
        texts = join([changed[i][0] if i in changed else parts[i] for i in some])
        if len(parts) > 1:
            self._give_time(texts)
        found = self._finder.crossing(texts, numbers, self._deadline, [k for k, i in enumerate(some) if i in listing])
        return {some[k]: spans for k, spans in found.items()}

    def _origins(self, found: dict[int, list[Span]], parts: Joined, changed: Changed) -> dict[int, list[Span]]:
        """The spans of these texts with those found before, in bytes of the texts as they came; what has been dropped stays so."""
        out: dict[int, list[Span]] = {}
        for i, spans in found.items():
            _, known, reason = changed.get(i, (b"", [], None))
            if not reason:
                out[i] = with_later(parts[i], self._replace(parts, i, known), known, spans) if known else spans
        return out

    def _replaced(self, found: dict[int, list[Span]], parts: Joined, changed: Changed) -> None:
        """The same, text by text."""
        for times in range(ROUNDS):
            if not found:
                return
            self._deadline.once_more = True
            order: list[int] = []
            replaced: list[list[bytes]] = []
            for i, spans in found.items():
                try:
                    replaced.append(self._replace(parts, i, spans))
                    order.append(i)
                except Dropped as exc:
                    self._drop(changed, i, str(exc))
            again = self._again(replaced, order)
            later: dict[int, list[Span]] = {}
            names: list[str] = []
            for k, i in enumerate(order):
                more = again.get(k)
                if not more:  # the usual case
                    spans = found[i]
                    changed[i] = (b"".join(replaced[k]), spans, None)
                    names += [name for _, _, name in spans]
                elif isinstance(more, str):
                    self._drop(changed, i, more)
                else:
                    if times >= ROUNDS - 3:
                        text = masked(replaced[k])
                        more = [*more, *all_numbers(text, 0, len(text))] if times == ROUNDS - 3 else whole_lines(text, more)
                    later[i] = with_later(parts[i], replaced[k], found[i], more)
            self.counts.update(names)
            found = later
        for i in found:
            self._drop(changed, i, "unstable")

    def _again(self, replaced: list[list[bytes]], order: list[int]) -> dict[int, list[Span] | str]:
        """Spans per redacted text (its pieces as :meth:`_replace` gives them; ``order``: their numbers), or why one cannot be judged.

        What replacement could have brought about stands near a placeholder: of long texts only these stretches are looked at
        first, and the whole text where one shows anything.
        """
        try:
            near, owners = near_marks(replaced)
            if not near:
                return {}
            self._deadline.check()
            out: dict[int, list[Span] | str] = {}
            doubtful: list[int] = []
            for n, spans in self._find(near).items():
                if len(near[n]) == sum(map(len, replaced[owners[n]])):  # it has been looked at as a whole
                    out[owners[n]] = spans
                else:
                    doubtful.append(owners[n])
            if doubtful:
                doubtful = sorted(set(doubtful))
                out |= {doubtful[n]: spans for n, spans in self._find([masked(replaced[k]) for k in doubtful]).items()}
            return out
        except Exception as first:
            out = {}
            reason = str(first) if isinstance(first, Dropped) else "error"
            if len(replaced) == 1 and not self._unlucky(reason, sum(map(len, replaced[0]))):
                return {0: reason}
            for k, text in enumerate(map(masked, replaced)):
                try:
                    out[k] = self._alone(order[k], text, again=True)
                except Exception as exc:
                    out[k] = str(exc) if isinstance(exc, Dropped) else "error"
            return out

    def _replace(self, parts: Joined, i: int, spans: Sequence[Span]) -> list[bytes]:
        """What is kept of a text and what stands for each span, by turns; both ends are kept."""
        raw, lo, hi = parts.raw, parts.starts[i], parts.ends[i]
        if len(spans) == 1:
            ((a, z, name),) = spans
            return [raw[lo : lo + a], placeholder(name, raw[lo + a : lo + z], self._key), raw[lo + z : hi]]
        text = raw[lo:hi]
        starts, ends, _ = zip(*spans, strict=True)
        clock = self._deadline if len(spans) < CHECKED or len(parts) == 1 else Budget(0.0, LOOK_S)
        pieces = [b""] * (2 * len(spans) + 1)
        pieces[::2] = [text[a:z] for a, z in zip((0, *ends), (*starts, len(text)), strict=True)]
        pieces[1::2] = placeholders(text, spans, self._key, clock.check)
        return pieces


def _in_characters(raw: bytes, spans: Sequence[Span]) -> list[Span]:
    """Spans in order, in code points instead of bytes."""
    found: list[Span] = []
    at = characters = 0
    for start, end, name in spans:
        characters += len(raw[at:start].decode("utf-8", "ignore"))
        long = len(raw[start:end].decode("utf-8", "ignore"))
        found.append((characters, characters + long, name))
        characters, at = characters + long, end
    return found
