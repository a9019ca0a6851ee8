"""``verify``: every entry of a window is posted again from the journal and compared with the ledger, to the last decimal.

Hour by hour, so that memory is bounded by the busiest hour. The rollups are compared with the ledger beside (``warehouse.verify``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from spanledger.model import Entry, Span
from spanledger.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from collector.posting import PostingRules
    from spanledger.policy import Policy

_COMPARED = (
    "entry_kind", "app_id", "team", "provider", "model", "billed", "usage_source", "cost_source", "tokens_in", "tokens_cache_read",
    "tokens_cache_write", "tokens_out", "tokens_reasoning",
)  # fmt: skip
_U32 = 0xFFFFFFFF

Row = dict[str, Any]


@dataclass
class Verdict:
    """What a verification found; ``differences``: one line each, the first hundred; ``erased``: entries whose journal an erasure took."""

    hours: int = 0
    entries: int = 0
    erased: int = 0
    closed_hours: int = 0  # their journal has begun to expire: nothing can be posted again
    differences: list[str] = field(default_factory=list)
    more: int = 0

    def differ(self, line: str) -> None:
        """One more difference."""
        if len(self.differences) < 100:
            self.differences.append(line)
        else:
            self.more += 1


def verify(
    client: Client, rules: PostingRules, since: datetime, until: datetime, *, kept_since: datetime | None = None, wait_s: float = 30
) -> Iterator[tuple[datetime, Verdict]]:
    """Yields (hour, verdict so far) after each hour; the last one is the result. Waits for posting to catch up first.

    ``kept_since``: hours before it have lost journal rows to retention and are only counted.
    """
    from warehouse import journal

    deadline = time.monotonic() + wait_s
    while journal.unposted(client) and time.monotonic() < deadline:
        time.sleep(0.2)
    verdict = Verdict()
    for hour in journal.hours_between(client, since, until):
        if kept_since is not None and hour < kept_since:
            verdict.closed_hours += 1
        else:
            _hour(client, rules, hour, verdict)
        yield hour, verdict


def _hour(client: Client, rules: PostingRules, hour: datetime, verdict: Verdict) -> None:
    from warehouse import journal

    wanted = {_key(row): row for row in map(_row, posted_from_journal(client, rules, hour))}
    found = {_key(row): row for row in journal.entries_of_hour(client, hour)}
    erased = journal.erased_traces_of_hour(client, hour)
    wanted = {key: row for key, row in wanted.items() if row["trace"] not in erased}
    kept = {key: row for key, row in found.items() if row["trace"] not in erased}
    verdict.erased += len(found) - len(kept)
    found = kept
    verdict.hours += 1
    verdict.entries += len(wanted)
    for key in sorted(wanted.keys() | found.keys()):
        want, got = wanted.get(key), found.get(key)
        where = f"{hour:%Y-%m-%dT%H}Z {key[3]}/{key[4]}"
        if got is None:
            verdict.differ(f"{where}: missing in the ledger")
        elif want is None:
            verdict.differ(f"{where}: in the ledger, but nothing in the journal tells it")
        elif want != got:
            figures = ", ".join(f"{name} {got[name]} (journal: {want[name]})" for name in want if want[name] != got[name])
            verdict.differ(f"{where}: {figures}")


def posted_from_journal(client: Client, rules: PostingRules, hour: datetime) -> Iterator[Entry]:
    """The entries of one hour as posting makes them of the journal as it is now."""
    from collector.rows import spans_from
    from warehouse import journal

    spans: dict[tuple[Any, ...], tuple[int, Span]] = {}
    for table in journal.families_of_hour(client, hour):
        for version, span in spans_from(table):
            ident = (span.project, span.service, span.start_ns // 3_600_000_000_000, span.trace_id, span.span_id)
            if ident not in spans or spans[ident][0] < version:
                spans[ident] = version, span
    at = int(hour.timestamp())
    for entry in post_all((s for _, s in spans.values()), rules):
        if entry.ts_us // 3_600_000_000 * 3600 == at:
            yield entry


def kept_since(policy: Policy) -> datetime | None:
    """The moment since which the journal is whole; None: it is kept for ever."""
    kept = policy.retention.spans
    return datetime.now(UTC) - kept + timedelta(days=1) if kept else None


def post_all(spans: Iterable[Span], rules: PostingRules) -> Iterator[Entry]:
    """Entries of any number of families: spans are put together by what links them, then posted family by family."""
    from collector.posting import family_keys, post

    members: list[Span] = []
    parent: list[int] = []
    first: dict[bytes, int] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, span in enumerate(spans):
        members.append(span)
        parent.append(i)
        for key in family_keys(span):
            parent[root(i)] = root(first.setdefault(key, i))
    families: dict[int, list[Span]] = {}
    for i, span in enumerate(members):
        families.setdefault(root(i), []).append(span)
    for family in families.values():
        yield from post(family, rules)


def _row(entry: Entry) -> Row:
    row: Row = {"project": entry.project, "service": entry.service, "ts_us": entry.ts_us, "trace": entry.trace_id.hex(), "span": entry.span_id.hex()}
    for name in _COMPARED:
        value = getattr(entry, name)
        row[name] = min(max(value, 0), _U32) if name.startswith("tokens_") else value
    row["cost_nano"] = int(entry.cost_estimate_usd.scaleb(9))
    return row


def _key(row: Row) -> tuple[Any, ...]:
    return row["project"], row["service"], row["ts_us"], row["trace"], row["span"]


def run(settings: Settings, since: datetime | None, until: datetime | None, say: Any) -> int:
    """Print what was found; 0 where journal, ledger and rollups agree, 1 where they do not."""
    from spanledger.commands.posting_rules import rules_in_force
    from spanledger.commands.warehouses import opened
    from warehouse.verify import compare

    policy, rules = rules_in_force(settings)
    start, end = since or datetime(2000, 1, 1, tzinfo=UTC), until or datetime(2200, 1, 1, tzinfo=UTC)
    verdict = Verdict()
    with opened(settings, writing=True) as client:
        for _, found in verify(client, rules, start, end, kept_since=kept_since(policy)):
            verdict = found
        rollups = compare(client, start, end)
    for wrong in rollups.differences:
        verdict.differ(f"rollup {wrong}")
    for line in verdict.differences:
        say(line)
    if verdict.differences:
        say(f"{len(verdict.differences) + verdict.more} differences in {verdict.entries} entries of {verdict.hours} hours")
        return 1
    erased = f" ({verdict.erased} more stand without their journal, which was erased)" if verdict.erased else ""
    closed = f"; {verdict.closed_hours} older hours are past the journal's retention" if verdict.closed_hours else ""
    say(f"{verdict.entries} entries of {verdict.hours} hours: journal and ledger agree to the last decimal{erased}{closed}")
    return 0
