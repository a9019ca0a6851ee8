"""Commands about the ledger as a whole: ``reprice``, ``export``, ``gate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from spanledger.options import Config, Data, Since, Until, Warehouse, settings_of

Shown = Annotated[Literal["table", "json"], typer.Option("--format", help="How to print the result")]

export_app = typer.Typer(help="The ledger in other programs' formats.", no_args_is_help=True)


def reprice(
    since: Annotated[str, typer.Option("--since", metavar="T", help="7d, 12h, 2026-11-01 or an ISO time; UTC")],
    until: Until = "now",
    application: Annotated[list[str] | None, typer.Option("--app", metavar="APP", help="Only entries of this app; may be repeated")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change")] = False,
    data: Data = None,
    config: Config = None,
    warehouse: Warehouse = None,
    format_: Shown = "table",
) -> None:
    """Price posted entries again at their own time by today's price list and policy; prints a receipt."""
    from datetime import UTC, datetime

    from spanledger.commands import repricing
    from spanledger.commands.windows import window

    start, end = window(since, until, datetime.now(UTC))
    settings = settings_of(data, config, warehouse)
    raise typer.Exit(repricing.reprice(settings, start, end, set(application or ()), dry_run=dry_run, form=format_))


@export_app.command("focus")
def export_focus(
    month: Annotated[str, typer.Option("--month", metavar="MONTH", help="2026-11; UTC")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A file that ends in .csv or .parquet")],
    version: Annotated[str, typer.Option("--version", metavar="V", help="Of the specification")] = "1.2",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file")] = False,
    data: Data = None,
    config: Config = None,
    warehouse: Warehouse = None,
) -> None:
    """Write a month's charges as FinOps FOCUS rows, CSV or Parquet."""
    from spanledger.commands import exporting

    raise typer.Exit(exporting.focus(settings_of(data, config, warehouse), month, out, version, force=force))


def gate(
    application: Annotated[str, typer.Option("--app", metavar="APP")],
    baseline: Annotated[str, typer.Option("--baseline", metavar="RELEASE", help="Prompt version, or model with --by model")],
    candidate: Annotated[str, typer.Option("--candidate", metavar="RELEASE")],
    by: Annotated[Literal["prompt_version", "model"], typer.Option("--by", help="What a release is")] = "prompt_version",
    cost: Annotated[str, typer.Option("--max-cost-increase", metavar="SHARE", help="Of cost per 1,000 calls")] = "5%",
    latency: Annotated[str, typer.Option("--max-latency-increase", metavar="SHARE", help="Of p50 and of p90")] = "10%",
    errors: Annotated[str, typer.Option("--max-error-rate", metavar="SHARE", help="Left out: no worse than the baseline")] = "",
    schema: Annotated[str, typer.Option("--max-schema-failures", metavar="SHARE", help="Left out: no worse than the baseline")] = "",
    risk: Annotated[str, typer.Option("--max-hallucination", metavar="SCORE", help="Left out: no worse than the baseline")] = "",
    min_calls: Annotated[int, typer.Option("--min-calls", min=50, help="No verdict below this on either side")] = 50,
    since: Since = "7d",
    until: Until = "now",
    data: Data = None,
    warehouse: Warehouse = None,
    format_: Shown = "table",
) -> None:
    """Compare two releases for CI: exit 0 pass, 1 fail, 2 not enough data."""
    from datetime import UTC, datetime

    from spanledger.commands import gating
    from spanledger.commands.windows import window

    def cap(text: str, option: str) -> float | None:
        return gating.share(text, option) if text else None

    limits = gating.Limits(
        cost_increase=gating.share(cost, "--max-cost-increase"),
        latency_increase=gating.share(latency, "--max-latency-increase"),
        error_rate=cap(errors, "--max-error-rate"),
        schema_failure_rate=cap(schema, "--max-schema-failures"),
        hallucination=cap(risk, "--max-hallucination"),
        min_calls=min_calls,
    )
    where, settings = window(since, until, datetime.now(UTC)), settings_of(data, warehouse=warehouse)
    raise typer.Exit(gating.run(settings, application, by, baseline, candidate, where, limits, format_))
