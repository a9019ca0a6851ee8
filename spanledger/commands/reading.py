"""``query``, ``spend``, ``verify``: questions to the ledger."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spanledger import instance
from spanledger.commands.warehouses import opened
from spanledger.commands.windows import window
from spanledger.settings import Settings

if TYPE_CHECKING:
    from warehouse.queries.spending import Coverage

#: Measure → heading of the table.
SHOWN = {
    "calls": "calls",
    "tokens_in": "tokens in",
    "tokens_cache_read": "cached",
    "tokens_out": "tokens out",
    "unpriced_calls": "unpriced",
    "usage_missing": "no usage",
    "cost_usd": "cost USD",
}
EXACT = {"output_format_json_quote_64bit_integers": 1, "output_format_json_quote_decimals": 1}
READ_ONLY = {"readonly": 1}  # last: it forbids changing settings
FORMATS = {"json": "JSON", "csv": "CSVWithNames", "table": "JSONCompact"}


_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*\Z", re.IGNORECASE)


def query(settings: Settings, sql: str, form: str) -> None:
    """Run a read-only statement and print its rows; exact: 64-bit integers and Decimals travel as text.

    A statement that ends in a FORMAT of its own is printed as the engine writes it.

    Raises:
        QueryRefused, QueryFailed: exit code 2.
    """
    sql = sql.strip().rstrip("; \n")
    own_format = _FORMAT.search(sql)
    body = _answer(settings, sql[: own_format.start()], own_format[1]) if own_format else _answer(settings, sql, FORMATS[form])
    if own_format or form == "csv":
        sys.stdout.buffer.write(body)
        return
    answer: dict[str, Any] = json.loads(body.decode("utf8", "replace"))
    if form == "json":
        sys.stdout.write(json.dumps({"data": answer["data"]}, ensure_ascii=False) + "\n")
        return
    from spanledger.commands.output import table

    table([column["name"] for column in answer["meta"]], answer["data"])


def _answer(settings: Settings, sql: str, form: str) -> bytes:
    """The running instance is asked without loading a driver; a server or a data directory through one."""
    limits = {"max_execution_time": int(settings.query_timeout_s) or 1, "max_result_rows": settings.query_rows}
    told = EXACT | limits | READ_ONLY
    if settings.embedded and instance.held(settings.data_dir):
        from spanledger.commands.endpoint import ask

        return ask(instance.sql_access(settings, wait_s=10), sql, form, told, settings.query_timeout_s)
    from warehouse.queries.ask import query_errors

    with opened(settings, query_settings=told) as client, query_errors():
        return client.raw_query(sql, fmt=form)


def spend(settings: Settings, by: Sequence[str], since: str, until: str, form: str) -> None:
    """Print spend by dimension and period, dearest first, with what stands behind the total."""
    from spanledger.commands.output import table, write
    from warehouse.queries import Scope, spend_report

    start, end = window(since, until, datetime.now(UTC))
    names = [name.strip() for name in by if name.strip()]
    with opened(settings) as client:
        found = spend_report(client, Scope(start, end), by=names)
    if form != "table":
        write(found.rows.columns, found.rows.iter_rows(), form)
        return
    columns = [*names, *SHOWN]
    total = ["total", *[""] * (len(names) - 1)] if names else []
    table([*names, *SHOWN.values()], found.rows.select(columns).iter_rows(), [*total, *(found.total[name] for name in SHOWN)])
    for line in evidence(found.coverage):
        sys.stdout.write(line + "\n")


def evidence(coverage: Coverage) -> Iterator[str]:
    """What a total rests on, in words; one line per thing that is not known."""
    if not coverage.billed_calls:
        yield "no billed calls in this window"
        return
    priced, reported = coverage.priced_share or 0, coverage.usage_share or 0
    yield f"{priced:.1%} of {coverage.billed_calls:,} billed calls have a price, {reported:.1%} reported their usage"
    for n, words in (
        (coverage.unpriced_calls, f"calls without a known price ({coverage.unpriced_tokens:,} tokens)"),
        (coverage.partial_calls, "calls priced in part"),
        (coverage.usage_missing, "calls that reported no usage"),
        (coverage.usage_estimated, "calls with estimated usage"),
        (coverage.cost_disputed, "calls whose sender states another cost"),
        (coverage.conflicts, "calls with conflicting evidence"),
    ):
        if n:
            yield f"{n:>9,} {words}"


def verify(settings: Settings, since: str, until: str) -> int:
    """Journal against ledger, ledger against rollups; 1 where they differ. Without ``since``: everything."""
    from spanledger.commands import verification

    bounds = window(since, until, datetime.now(UTC)) if since else (None, None)
    return verification.run(settings, *bounds, _say)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
