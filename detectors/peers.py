"""Other answers to exactly the same prompt: from the warehouse, from memory where no text may be stored, as sketches when it has left.

Answers that met nobody yet are remembered for the contradiction window: when another answer to their prompt comes, they are judged again with
it. That memory holds no text, is bounded, and is lost with the process.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors.contradiction.sketch import Sketch
from detectors.keys import SketchKeys
from detectors.material import Material
from detectors.window import Window
from warehouse import scoring

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Call = Mapping[str, Any]
Group = tuple[str, ...]
REMEMBERED = 20_000  # answers that met nobody; and groups of answers whose text is in memory
OF_GROUP = 12  # answers remembered of one group, the latest to come
CALLED_BACK = 500  # of one pass


class Told(NamedTuple):
    """Where an answer's text stands in memory."""

    ts_us: int
    members: tuple[str, ...]


class Peers:
    """What an answer is compared with."""

    def __init__(self, client: Client, window: Window | None, keys: SketchKeys | None) -> None:
        self._client, self._window, self._keys = client, window, keys
        self._lonely: OrderedDict[tuple[str, str], Call] = OrderedDict()
        self._held: OrderedDict[Group, OrderedDict[tuple[str, str], Told]] = OrderedDict()

    def key_of(self, call: Call) -> bytes:
        """The key of the answer's sketch, where its text is only held in memory."""
        if self._keys is None or not call["prompt_hash"] or not self._in_memory(call):
            return b""
        return self._keys.of(str(call["tenant_hash"]))

    def called_back(self, found: Sequence[Call], window: timedelta) -> list[dict[str, Any]]:
        """Answers judged before that had met nobody, to which one of ``found`` is another answer."""
        if not self._lonely:
            return []
        here = {_id(c) for c in found}
        groups: dict[Group, list[int]] = defaultdict(list)
        for call in found:
            if call["prompt_hash"]:
                groups[group_of(call)].append(call["ts_us"])
        span = window.total_seconds() * 1e6
        back: list[dict[str, Any]] = []
        for key, call in list(self._lonely.items()):
            if len(back) == CALLED_BACK:
                break
            if key not in here and any(abs(ts - call["ts_us"]) <= span for ts in groups.get(group_of(call), ())):
                del self._lonely[key]
                if not call["held"] or self._in_memory(call):
                    back.append(dict(call))
        return back

    def judged(self, call: Call, closed_book: bool, alone: bool) -> None:
        """Remember an answer: one that met nobody, and one whose text is in memory."""
        if not closed_book or not call["prompt_hash"]:
            return
        held = self._in_memory(call)
        if held:
            group = self._held.setdefault(group_of(call), OrderedDict())
            group[_id(call)] = _told(call)
            _bound(group, OF_GROUP)
            self._held.move_to_end(group_of(call))
            _bound(self._held, REMEMBERED)
        if alone:
            self._lonely[_id(call)] = {**call, "held": held}
            _bound(self._lonely, REMEMBERED)

    def of(
        self, calls: Sequence[Call], found: Sequence[Material | None], window: timedelta, now_us: int
    ) -> tuple[dict[int, tuple[str, ...]], dict[int, tuple[Sketch, ...]]]:
        """For closed-book answers: texts of other answers, and sketches where no text is left."""
        asked = [i for i, m in enumerate(found) if m is not None and not m.context and m.prompt and calls[i]["prompt_hash"]]
        if not asked:
            return {}, {}
        since = datetime.fromtimestamp(min(calls[i]["ts_us"] for i in asked) / 1e6, UTC) - window
        until = datetime.fromtimestamp(max(calls[i]["ts_us"] for i in asked) / 1e6, UTC) + window
        until = min(until, datetime.fromtimestamp(now_us / 1e6, UTC) + timedelta(days=1))
        window_us = window.total_seconds() * 1e6
        hashes = sorted({calls[i]["prompt_hash"] for i in asked})
        hidden = {i: "" for i in asked if self.key_of(calls[i])}
        stored = list(scoring.peers(self._client, hashes, since, until).iter_rows(named=True))
        here = self._in_memory_rows([calls[i] for i in asked])
        texts = {i: m.prompt if (m := found[i]) else "" for i in asked}
        told = _others([*stored, *here], calls, texts, "response", window_us)
        if not hidden:
            return {i: tuple(others) for i, others in told.items()}, {}
        with_text = {_id(r) for r in here}
        rows = scoring.sketches(self._client, hashes, since, until).iter_rows(named=True)
        left = [r for r in rows if _id(r) not in with_text]
        sketched = {i: tuple(s for p in packed if (s := Sketch.unpack(p))) for i, packed in _others(left, calls, hidden, "sketch", window_us).items()}
        return {i: tuple(others) for i, others in told.items()}, sketched

    def _in_memory_rows(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        """Texts of these answers and of earlier ones of their groups, where they are in memory.

        One row for each telling: two instrumentations of one call may tell its prompt in two ways.
        """
        if self._window is None:
            return []
        wanted: dict[Group, dict[tuple[str, str], Told]] = {}
        for call in calls:
            if self._in_memory(call):
                group = group_of(call)
                if group not in wanted:
                    wanted[group] = dict(self._held.get(group, OrderedDict()))
                wanted[group][_id(call)] = _told(call)
        texts = self._window.texts({key[0] for group in wanted.values() for key in group})
        out: list[dict[str, Any]] = []
        for group, answers in wanted.items():
            about = dict(zip(("project", "app_id", "model", "prompt_hash", "context_hash"), group[:5], strict=True))
            for (trace_id, span_id), told in answers.items():
                own = [t for t in texts.get(trace_id, ()) if t.response and t.span_id in told.members]
                out += [
                    {**about, "trace_id": trace_id, "span_id": span_id, "ts_us": told.ts_us, "prompt": t.prompt, "response": t.response} for t in own
                ]
        return out

    def _in_memory(self, call: Call) -> bool:
        return self._window is not None and self._window.holds(call["trace_id"])


def group_of(row: Call, prompt: str = "") -> Group:
    """Answers of one group may be compared: one project, app, model, prompt and retrieved context."""
    return row["project"], row["app_id"], row["model"], row["prompt_hash"], row["context_hash"], prompt


def _id(call: Call) -> tuple[str, str]:
    return call["trace_id"], call["span_id"]


def _told(call: Call) -> Told:
    return Told(call["ts_us"], (call["span_id"], *call["members"]))


def _bound(memory: OrderedDict[Any, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)


def _others(rows: Sequence[Call], calls: Sequence[Call], asked: Mapping[int, str], what: str, window_us: float) -> dict[int, list[str]]:
    """Column ``what`` of rows of the same group as each asked call, latest first, itself left out.

    ``asked``: call → prompt to compare word for word.
    """
    groups: dict[Group, list[tuple[tuple[str, str], int, str]]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (-r["ts_us"], r["trace_id"], r["span_id"])):
        same = groups[group_of(row, row.get("prompt", ""))]
        if not same or same[-1][0] != _id(row):  # an answer that is told twice is one answer
            same.append((_id(row), row["ts_us"], row[what]))
    out: dict[int, list[str]] = {}
    for i, prompt in asked.items():
        own, at = _id(calls[i]), calls[i]["ts_us"]
        if others := [text for key, ts, text in groups[group_of(calls[i], prompt)] if key != own and abs(ts - at) <= window_us]:
            out[i] = others
    return out


__all__ = ["Peers", "group_of"]
