"""Commands about the ledger as a whole: ``reprice``, ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from spanledger.options import Config, Data, Until, Warehouse, settings_of

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
