"""``checks/conformance.py`` of the shared data without a warehouse: decode, families, posting, the same comparison.

``python tests/integration/conformance_offline.py CAPTURES [--only TEXT] [--chaos SEED] [--show]`` prints what differs; the test beside
this module asserts that nothing does. Fast enough to run at every change: a second or two for 400 cases.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
import random
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from collector.decode import Decoded, DecodeOptions, MetricsDecoded, decode_logs, decode_metrics, decode_traces
from collector.posting import PostingRules, family_keys, post
from spanledger.model import Entry, Span

FIGURES = {
    "input_total": "tokens_in",
    "cache_read": "tokens_cache_read",
    "cache_write": "tokens_cache_write",
    "output_total": "tokens_out",
    "reasoning": "tokens_reasoning",
}
_DECODERS = {"traces": decode_traces, "logs": decode_logs, "metrics": decode_metrics}


def checks(shared: pathlib.Path) -> Any:
    """The shared ``conformance`` program as a module: its rules are the ones that count."""
    folder = str(shared / "checks")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("conformance")


def decode(signal: str, content_type: str, body: bytes) -> Decoded | MetricsDecoded:
    """One captured body, as the receivers would hand it over."""
    return _DECODERS[signal](body, json=content_type == "application/json", project="default", options=DecodeOptions())


def families(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans grouped by everything that may join them (trace, response id, agent session), transitively."""
    parent: dict[bytes, bytes] = {}

    def root(key: bytes) -> bytes:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    spans = list(spans)
    for span in spans:
        first, *others = family_keys(span)
        for key in others:
            parent[root(key)] = root(first)
    groups: dict[bytes, list[Span]] = defaultdict(list)
    for span in spans:
        groups[root(span.trace_id)].append(span)
    return list(groups.values())


def entries_of(bodies: Iterable[tuple[str, str, bytes]], rules: PostingRules) -> list[Entry]:
    """All entries of these exports."""
    spans = [span for body in bodies for span, _ in decode(*body).records]
    return [entry for family in families(spans) for entry in post(family, rules)]


def row(entry: Entry) -> dict[str, Any]:
    """An entry in the form that the shared comparison reads."""
    metered = entry.usage_source != "estimated"
    found: dict[str, Any] = {name: getattr(entry, column) if metered else 0 for name, column in FIGURES.items()}
    who = {"app": entry.app_id, "team": entry.team, "prompt_version": entry.prompt_version}
    return {
        **found,
        "usd": entry.cost_estimate_usd if metered else 0,
        "calls": int(entry.billed),
        **{k: [v] if entry.billed else [] for k, v in who.items()},
    }


def compare_all(captures: pathlib.Path, only: str = "", chaos: int | None = None) -> dict[str, dict[str, Any]]:
    """case -> what differs (empty: exact), by the rules of the shared program."""
    check = checks(captures.parent)
    todo = check.cases(captures, only)
    bodies = [body for case in todo.values() for body in check.bodies(case)]
    if chaos is not None:
        bodies = scattered(check, bodies, random.Random(chaos))
    entries = entries_of(bodies, PostingRules())
    owner = check.traces_of(todo)
    truths = {name: json.loads((case / "truth.json").read_text()) for name, case in todo.items()}
    silent = {*check.CLASSES, "calls"}
    spanless = {n for n, t in truths.items() if n not in owner.values() and not silent <= set(t.get("not_in_telemetry", []))}
    by_case: dict[str, list[dict[str, Any]]] = {name: [] for name in truths}
    calls = [(c["t"], n) for n in spanless for c in truths[n]["provider_calls"]]
    strays = 0
    for entry in entries:
        name = owner.get(entry.trace_id.hex().upper())
        if name is None:
            name = min(calls, key=lambda c: abs(c[0] - entry.ts_us / 1e6), default=(0, None))[1]
            strays += name is None
        if name is not None:
            by_case[name].append(row(entry))
    results = {n: check.compare(t, by_case[n], None if n in spanless else check.carried(todo[n])) for n, t in truths.items()}
    if strays:
        results["entries under traces nobody sent"] = {"entries": (strays, 0)}
    return results


def scattered(check: Any, bodies: list[tuple[str, str, bytes]], rnd: random.Random) -> list[tuple[str, str, bytes]]:
    """Every span in an export of its own, a third sent twice, all shuffled."""
    queue: list[tuple[str, str, bytes]] = []
    for signal, content_type, body in bodies:
        if signal == "traces":
            queue += [("traces", "application/x-protobuf", one) for one in check.single_spans(content_type, body)]
        else:
            queue.append((signal, content_type, body))
    queue += rnd.sample(queue, len(queue) // 3)
    rnd.shuffle(queue)
    return queue


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captures", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--chaos", type=int)
    parser.add_argument("--show", action="store_true", help="print spans and entries of the cases that differ")
    asked = parser.parse_args()
    results = compare_all(asked.captures, asked.only, asked.chaos)
    for name, wrong in results.items():
        if wrong:
            print(f"WRONG {name}: " + ", ".join(f"{k} {got} (true {true})" for k, (got, true) in wrong.items()))
            if asked.show:
                show(asked.captures / name)
    exact = sum(not w for w in results.values())
    print(f"{exact} of {len(results)} cases exact")
    return 0 if exact == len(results) else 1


def show(case: pathlib.Path) -> None:
    """Spans and entries of one case, for people."""
    check = checks(case.parents[1].parent)
    for body in check.bodies(case):
        for s, _ in decode(*body).records:
            ids = f"id={s.span_id.hex()} up={s.parent_id.hex()} rid={s.response_id} req={s.request_id} link={s.link}"
            print(f"   {s.signal} {s.name[:40]!r} {s.dialect}/{s.kind}/{s.role} {ids}")
            print(f"        {s.provider}/{s.model}<-{s.model_requested} {s.usage} {s.outcome} own={s.own} inherited={s.inherited}")
    for e in entries_of(check.bodies(case), PostingRules()):
        money = f"in={e.tokens_in} out={e.tokens_out} {e.usage_source} usd={e.cost_estimate_usd}"
        print(f"   => {e.entry_kind} {e.model} billed={e.billed} {money} {e.outcome}")
        print(f"        app={e.app_id} team={e.team} prompt_version={e.prompt_version} trace={e.trace_id.hex()}")


if __name__ == "__main__":
    sys.exit(main())
