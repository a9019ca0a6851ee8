"""The ``alerts`` commands."""

from __future__ import annotations

from typing import Annotated

import typer

from spanledger.options import Data, Format, Since, Warehouse, settings_of

alerts_app = typer.Typer(help="What is wrong, and who has taken it on.", no_args_is_help=True)


@alerts_app.command("list")
def alerts_list(since: Since = "1d", data: Data = None, warehouse: Warehouse = None, format_: Format = "table") -> None:
    """Alerts that go on, and those that ended since."""
    from spanledger.commands import alerts

    alerts.listed(settings_of(data, warehouse=warehouse), since, format_)


@alerts_app.command("acknowledge")
def alerts_acknowledge(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As `alerts list` tells it")],
    comment: Annotated[str, typer.Option("--comment", help="Why, or what is being done; stored redacted")] = "",
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """Take alerts on: they are not told of again while they go on. Stands in the audit log; exit 1 when one does not go on."""
    from spanledger.commands import alerts

    raise typer.Exit(alerts.acknowledge(settings_of(data, warehouse=warehouse), ids, comment))
