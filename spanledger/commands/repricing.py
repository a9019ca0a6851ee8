"""``reprice``: entries of a window priced again at event time by today's price list and policy.

Families are posted from the journal as the collector posts them; of entries that the same spans still tell, those that come out
otherwise are written as their next version. So posting a family once more changes nothing, and ``verify`` agrees afterwards.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import socket
import sys
import time
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from spanledger import instance
from spanledger.commands.posting_rules import rules_in_force
from spanledger.commands.verification import kept_since, posted_from_journal
from spanledger.commands.warehouses import opened
from spanledger.model import Entry
from spanledger.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from collector.posting import PostingRules
    from warehouse.rollups import HourClock

Row = dict[str, Any]

_HOUR = timedelta(hours=1)
_ADOPTED_S = 15.0  # a collector has taken over a changed policy file or price list, and ended the pass that it was in
_LATE = 3  # entries of families whose journal has expired in part
_MONEY = (
    "cost_estimate_usd", "cost_in_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_out_usd", "cost_other_usd", "cost_supplied_usd",
    "cost_source", "price_id",
)  # fmt: skip
_BESIDE = (
    "entry_kind", "app_id", "team", "tenant_hash", "env", "provider", "model", "model_tier", "billed", "usage_source", "tokens_in",
    "tokens_cache_read", "tokens_cache_write", "tokens_out", "tokens_reasoning", "conflict",
)  # fmt: skip
_NOTES = ("owner", "cost_centre", "set_aside")  # of ``attrs``


@dataclass
class Change:
    """What repricing made of a group of entries, USD."""

    entries: int = 0
    before_usd: Decimal = Decimal(0)
    after_usd: Decimal = Decimal(0)

    def add(self, before: Decimal, after: Decimal) -> None:
        """One more entry."""
        self.entries += 1
        self.before_usd += before
        self.after_usd += after

    def told(self) -> Row:
        """For people and programs: money as text."""
        difference = self.after_usd - self.before_usd
        return {"entries": self.entries, "before_usd": usd(self.before_usd), "after_usd": usd(self.after_usd), "difference_usd": usd(difference)}


@dataclass
class Receipt:
    """What was looked at and what changed.

    ``changed``: of money; ``same_cost``: changed in the price's name or source, or in what else the policy decides (app, team, tier …).
    ``closed``: calls whose journal is past its retention; ``without_journal``: of an erasure, or a tenant's shorter retention; ``unsettled``:
    other spans tell them by now, so that posting has still to write them.
    """

    looked_at: int = 0
    changed: int = 0
    same_cost: int = 0
    unsettled: int = 0
    without_journal: int = 0
    closed: int = 0
    closed_usd: Decimal = Decimal(0)
    models: dict[tuple[str, str], Change] = field(default_factory=dict)

    @property
    def total(self) -> Change:
        """All changed entries."""
        found = self.models.values()
        return Change(sum(c.entries for c in found), sum((c.before_usd for c in found), Decimal(0)), sum((c.after_usd for c in found), Decimal(0)))

    def told(self) -> Row:
        """As it is printed with ``--format json`` and stands in the audit log."""
        models = [{"provider": p, "model": m, **change.told()} for (p, m), change in sorted(self.models.items())]
        return {
            "looked_at": self.looked_at, "changed": self.changed, "same_cost": self.same_cost, "unsettled": self.unsettled,
            "without_journal": self.without_journal, "closed": {"calls": self.closed, "cost_usd": usd(self.closed_usd)},
            "models": models, "total": self.total.told(),
        }  # fmt: skip


def usd(amount: Decimal) -> str:
    """Nine decimals, never an exponent."""
    return f"{amount:.9f}"


def reprice(settings: Settings, since: datetime, until: datetime, apps: Collection[str], *, dry_run: bool, form: str) -> int:
    """Price ``[since, until)`` again and print the receipt; ``apps``: only their entries, before or after; ``dry_run`` writes nothing.

    Raises:
        DataDirHeld: another ``reprice`` works on this data directory.
        ConfigError: the policy file or a price list cannot be used.
    """
    policy, rules = rules_in_force(settings)
    with contextlib.ExitStack() as stack:
        if not dry_run:
            lock = instance.prepare(settings.data_dir) / "reprice.lock"
            stack.enter_context(instance.locked(lock, f"{settings.data_dir} is being priced again already"))
            _let_adopt(settings)
        client = stack.enter_context(opened(settings, writing=not dry_run))
        receipt = Receipt()
        head: Row = {"since": since.isoformat(), "until": until.isoformat(), "apps": sorted(apps), "prices": price_lists(rules, since, until)}
        edge = kept_since(policy)
        if edge is not None and since < edge:
            edge = edge.replace(minute=0, second=0, microsecond=0) + _HOUR
            receipt.closed, receipt.closed_usd = _closed(client, since, min(edge, until), apps)
        if dry_run:
            _window(client, rules, max(since, edge or since), until, apps, receipt, None)
        else:
            with _on_record(client, head, receipt):
                _window(client, rules, max(since, edge or since), until, apps, receipt, _clock(client, settings))
    _show(head | {"dry_run": dry_run} | receipt.told(), form)
    return 0


def price_lists(rules: PostingRules, since: datetime, until: datetime) -> list[str]:
    """Versions of the price list that hold in a window, the earliest first."""
    from collector.pricing.book import BUNDLED
    from collector.pricing.editions import in_force

    editions = rules.prices.editions
    first = in_force(editions, since.date()) or BUNDLED
    return [first.version, *(e.version for e in editions if since.date() < e.since <= (until - timedelta(microseconds=1)).date())]


def _let_adopt(settings: Settings) -> None:
    """Wait until collectors price by the files that we price by, or one might write an entry by the old ones after us."""
    if settings.embedded and not instance.held(settings.data_dir):
        return
    files = [*([settings.policy_path] if settings.policy_path else []), *(settings.data_dir / "prices").glob("*.json")]
    changed = max((path.stat().st_mtime for path in files), default=0.0)
    wait_s = min(_ADOPTED_S, changed + _ADOPTED_S - time.time())
    if wait_s > 0:
        print(f"spanledger: the collector takes over what has just changed: {wait_s:.0f} s", file=sys.stderr)  # noqa: T201
        time.sleep(wait_s)


def _clock(client: Client, settings: Settings) -> HourClock:
    """Marks of our own on the hours that change; what a killed run left open is shut."""
    from warehouse.rollups import HourClock

    where = blake2b(str(settings.data_dir.absolute()).encode(), digest_size=4).hexdigest()
    return HourClock(client, f"reprice-{socket.gethostname()}-{where}", quiet_s=0.0)


@contextlib.contextmanager
def _on_record(client: Client, head: Row, receipt: Receipt) -> Generator[None]:
    """The audit log knows that it was begun before anything is written, and what it came to, also where it was broken off."""
    from warehouse import audit_log

    window = f"{head['since']}/{head['until']}"
    audit_log.append(client, actor=getpass.getuser(), action="reprice_begun", subject=window, detail=head)
    ended = "broken off"
    try:
        yield
        ended = "done"
    finally:
        audit_log.append(client, actor=getpass.getuser(), action="reprice", subject=window, detail=head | {"ended": ended} | receipt.told())


def _closed(client: Client, since: datetime, until: datetime, apps: Collection[str]) -> tuple[int, Decimal]:
    """Calls of hours whose journal has begun to expire, and what they cost."""
    from warehouse.queries import Filters, Scope, spend_report

    total = spend_report(client, Scope(since, until, Filters(app=tuple(apps))), by=()).total
    return int(total["calls"]), Decimal(total["cost_usd"])


def _window(
    client: Client, rules: PostingRules, since: datetime, until: datetime, apps: Collection[str], receipt: Receipt, clock: HourClock | None
) -> None:
    """Hour by hour; without a clock nothing is written."""
    from warehouse import journal

    for hour in _shown(journal.hours_between(client, since.replace(minute=0, second=0, microsecond=0), until)):
        _hour(client, rules, hour, (_micros(since), _micros(until)), apps, receipt, clock)


def _hour(
    client: Client, rules: PostingRules, hour: datetime, window: tuple[int, int], apps: Collection[str], receipt: Receipt, clock: HourClock | None
) -> None:
    from collector.rows import calls_batch
    from warehouse.repricing import priced_entries, replace

    held = {_place(row): row for row in priced_entries(client, hour, hour + _HOUR)}  # first: what is posted meanwhile is newer then
    posted = {(e.project, e.service, e.trace_id.hex(), e.span_id.hex()): e for e in posted_from_journal(client, rules, hour)}
    other: list[Entry] = []
    read: list[int] = []
    for place, row in held.items():
        entry = posted.get(place)
        ours = not apps or row["app_id"] in apps or (entry is not None and entry.app_id in apps)
        if not ours or not window[0] <= row["ts_us"] < window[1]:
            continue
        if _differs(row, entry, receipt) and entry is not None:
            other.append(entry)
            read.append(row["ver"])
    if other and clock is not None:
        replace(client, clock, calls_batch(other, 0), read)
        clock.settle()


def _differs(row: Row, entry: Entry | None, receipt: Receipt) -> bool:
    """Whether an entry is to be written again; counts it."""
    if row["conflict"] == _LATE:
        receipt.closed += 1
        receipt.closed_usd += row["cost_estimate_usd"]
        return False
    receipt.looked_at += 1
    if entry is None:
        receipt.without_journal += 1
        return False
    if set(row["members"]) != {m.hex() for m in entry.members}:
        receipt.unsettled += 1
        return False
    if row["cost_estimate_usd"] != entry.cost_estimate_usd:
        receipt.changed += 1
        receipt.models.setdefault((entry.provider, entry.model), Change()).add(row["cost_estimate_usd"], entry.cost_estimate_usd)
        return True
    same = _decided(entry) == {name: row[name] for name in (*_MONEY, *_BESIDE, *_NOTES)}
    receipt.same_cost += not same
    return not same


def _decided(entry: Entry) -> Row:
    """What prices and policy decide of an entry, as the ledger's row has it."""
    told = {name: getattr(entry, name) for name in (*_MONEY, *_BESIDE)}
    told |= {name: min(max(value, 0), 0xFFFFFFFF) for name, value in told.items() if name.startswith("tokens_")}
    return told | {name: entry.attrs.get(name, "") for name in _NOTES}


def _place(row: Row) -> tuple[str, str, str, str]:
    return row["project"], row["service"], row["trace"], row["span"]


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def _shown(hours: list[datetime]) -> Iterable[datetime]:
    """The hours, with a bar while somebody looks on."""
    if not sys.stderr.isatty():
        return hours
    from rich.console import Console
    from rich.progress import track

    return track(hours, description="hours", console=Console(stderr=True), transient=True)


def _show(told: Row, form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    from spanledger.commands.output import table

    total = told["total"]
    lines = [
        f"{told['since']} to {told['until']}{', only ' + ', '.join(told['apps']) if told['apps'] else ''}; price list {', '.join(told['prices'])}",
        f"{told['looked_at']:,} entries looked at, {told['changed']:,} cost something else, {told['same_cost']:,} as much under another price, app, "
        f"team or tier{' (dry run: nothing was written)' if told['dry_run'] else ''}",
    ]
    if told["closed"]["calls"]:
        lines.append(f"{told['closed']['calls']:,} calls ({told['closed']['cost_usd']} USD) are closed: their journal is past its retention")
    if told["without_journal"]:
        lines.append(f"{told['without_journal']:,} stand without their journal (erased, or a tenant's shorter retention) and keep their price")
    if told["unsettled"]:
        lines.append(f"{told['unsettled']:,} are told by other spans than when they were posted: posting, not this, has to write them")
    sys.stdout.write("\n".join(lines) + "\n")
    if told["models"]:
        names = ["provider", "model", "entries", "before_usd", "after_usd", "difference_usd"]
        figures = [_row_of(row, names) for row in told["models"]]
        table(["provider", "model", "entries", "before USD", "after USD", "difference USD"], figures, _row_of({"provider": "total", **total}, names))


def _row_of(told: Row, names: list[str]) -> list[Any]:
    return [Decimal(told[name]) if name.endswith("_usd") else told.get(name, "") for name in names]
