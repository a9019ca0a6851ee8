"""The warehouse's figures beside what was asked of them (issue 4), from what ``bench_warehouse.py`` has measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Got = Callable[[Mapping[str, Any]], Any]


def _ratio(slow: float, fast: float) -> float:
    return round(slow / fast, 1)


#: (figure, asked, got); figures of a step that was left out are left out.
ASKED: tuple[tuple[str, str, Got], ...] = (
    ("bytes a call, indexes included", "<= 130", lambda f: f["bytes_a_call"]["total"]),
    ("rows a CPU second inserted, alone · with merges", ">= 180,000", lambda f: _medians(f["insert_rows_per_cpu_s"])),
    ("spend of a day, FINAL, 2 % unmerged, ms", "<= 90", lambda f: f["spend_hour_app_team_tier_ms"]["final_day_2pct_unmerged"]),
    ("the same from clean rollups, ms", "<= 30", lambda f: f["rollups"]["composed_day_ms"]),
    ("20 days: raw by rollups", ">= 3 x", lambda f: _ratio(f["spend_hour_app_team_tier_ms"]["raw_20_days"], f["rollups"]["composed_20_days_ms"])),
    ("a trace's entries, same · others (median), ms", "<= 20", lambda f: _lookup(f, "trace_entries")),
    ("a page's trace, same · others (median), ms", "<= 20", lambda f: _lookup(f, "page's trace")),
    ("a call with every column, same · others (median), ms", "<= 20", lambda f: _lookup(f, "call")),
    ("slowest question of a page, ms", "<= 150", lambda f: f["slowest_of_a_page_ms"]),
    ("the same through the SQL endpoint, ms", "<= 150", lambda f: f["slowest_of_a_reader_ms"]),
    ("the same of a reader of two teams, ms", "<= 150", lambda f: f["slowest_of_a_scoped_page_ms"]),
    ("rare word, scan by index", ">= 10 x", lambda f: _ratio(f["text_ms_wall_cpu"]["scan"][1], f["text_ms_wall_cpu"]["index"][1])),
    ("objective of 30 minutes, all · one app, ms", "<= 10 (issue 5)", lambda f: f["objective_ms"]),
)


def _medians(rates: Mapping[str, Mapping[str, float]]) -> str:
    return f"{rates['alone']['median']:,} · {rates['with merges']['median']:,}"


def _lookup(figures: Mapping[str, Any], name: str) -> str:
    same, others = figures["lookup_ms"][name], figures["lookup_ms"][f"{name}, others"]
    return f"{same} · {others['best']} ({others['median']})"


def beside_asked(figures: Mapping[str, Any]) -> str:
    """A table of three columns; exactness has a bench of its own, which kills processes for a quarter of an hour."""
    lines = [("figure", "asked", "got")]
    for figure, asked, got in ASKED:
        try:
            lines.append((figure, asked, str(got(figures))))
        except KeyError:
            continue
    lines.append(("exactness fuzz, >= 20 kills, >= 1,000 comparisons", "0 mismatches", "bench_rollup_exactness.py"))
    widths = [max(len(line[i]) for line in lines) for i in range(2)]
    return "\n".join(f"{figure:{widths[0]}}  {asked:{widths[1]}}  {got}" for figure, asked, got in lines)
