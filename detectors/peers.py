"""Other answers to exactly the same prompt: from the warehouse, from memory where no text may be stored, as sketches when it has left.

Answers that met nobody yet are remembered for the contradiction window: when another answer to their prompt comes, they are judged again with
it. That memory holds no text, is bounded, and is lost with the process.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from detectors.contradiction.sketch import Sketch
from detectors.keys import SketchKeys
from detectors.material import Material
from detectors.window import Window
from warehouse import scoring

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Call = Mapping[str, Any]
Group = tuple[str, ...]
REMEMBERED = 20_000  # answers that met nobody; and answers whose text is in memory
CALLED_BACK = 500  # of one pass


class Peers:
    """What an answer is compared with."""

    def __init__(self, client: Client, window: Window | None, keys: SketchKeys | None) -> None:
        self._client, self._window, self._keys = client, window, keys
        self._lonely: OrderedDict[tuple[str, str], Call] = OrderedDict()
        self._held: OrderedDict[tuple[str, str], Call] = OrderedDict()

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
            _remember(self._held, call, held)
        if alone:
            _remember(self._lonely, call, held)

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
        here = [_row(calls[i], m) for i in asked if self._in_memory(calls[i]) and (m := found[i]) is not None]
        texts = {i: m.prompt if (m := found[i]) else "" for i in asked}
        told = _others([*stored, *here, *self._remembered(set(hashes), {_id(r) for r in here})], calls, texts, "response", window_us)
        if not hidden:
            return {i: tuple(others) for i, others in told.items()}, {}
        with_text = {_id(r) for r in here} | set(self._held)
        rows = scoring.sketches(self._client, hashes, since, until).iter_rows(named=True)
        left = [r for r in rows if _id(r) not in with_text]
        sketched = {i: tuple(s for p in packed if (s := Sketch.unpack(p))) for i, packed in _others(left, calls, hidden, "sketch", window_us).items()}
        return {i: tuple(others) for i, others in told.items()}, sketched

    def _remembered(self, hashes: set[str], but: set[tuple[str, str]]) -> list[dict[str, Any]]:
        """Earlier answers to these prompts whose text is still in memory."""
        if self._window is None:
            return []
        for key in [k for k in self._held if not self._window.holds(k[0])]:
            del self._held[key]
        wanted = {k: c for k, c in self._held.items() if c["prompt_hash"] in hashes and k not in but}
        told = self._window.texts({k[0] for k in wanted})
        out: list[dict[str, Any]] = []
        for (trace_id, span_id), call in wanted.items():
            own = [t for t in told.get(trace_id, ()) if t.response and t.span_id in (span_id, *call["members"])]
            if own:
                best = max(own, key=lambda t: len(t.response))
                out.append({**call, "prompt": best.prompt, "response": best.response})
        return out

    def _in_memory(self, call: Call) -> bool:
        return self._window is not None and self._window.holds(call["trace_id"])


def group_of(row: Call, prompt: str = "") -> Group:
    """Answers of one group may be compared: one project, app, model, prompt and retrieved context."""
    return row["project"], row["app_id"], row["model"], row["prompt_hash"], row["context_hash"], prompt


def _id(call: Call) -> tuple[str, str]:
    return call["trace_id"], call["span_id"]


def _remember(memory: OrderedDict[tuple[str, str], Call], call: Call, held: bool) -> None:
    memory[_id(call)] = {**call, "held": held}
    memory.move_to_end(_id(call))
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


def _row(call: Call, m: Material) -> dict[str, Any]:
    return {**call, "prompt": m.prompt, "response": m.response}


def _others(rows: Sequence[Call], calls: Sequence[Call], asked: Mapping[int, str], what: str, window_us: float) -> dict[int, list[str]]:
    """Column ``what`` of rows of the same group as each asked call, latest first, itself left out.

    ``asked``: call → prompt to compare word for word.
    """
    groups: dict[Group, list[tuple[tuple[str, str], int, str]]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: -r["ts_us"]):
        groups[group_of(row, row.get("prompt", ""))].append((_id(row), row["ts_us"], row[what]))
    out: dict[int, list[str]] = {}
    for i, prompt in asked.items():
        own, at = _id(calls[i]), calls[i]["ts_us"]
        if others := [text for key, ts, text in groups[group_of(calls[i], prompt)] if key != own and abs(ts - at) <= window_us]:
            out[i] = others
    return out


__all__ = ["Peers", "group_of"]
