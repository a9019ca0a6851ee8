"""The ``budgets`` commands."""

from __future__ import annotations

from typing import Annotated

import typer

from spanledger.options import Config, Data, Format, Warehouse, settings_of

budgets_app = typer.Typer(help="Limits on spend, and where they stand.", no_args_is_help=True)


@budgets_app.command("list")
def budgets_list(data: Data = None, config: Config = None, warehouse: Warehouse = None, format_: Format = "table") -> None:
    """Budgets of the policy file and those that people have set, with what their periods have cost."""
    from spanledger.commands import budgets

    budgets.listed(settings_of(data, config, warehouse), format_)


@budgets_app.command("set")
def budgets_set(
    name: Annotated[str, typer.Argument(help="A new one, or one that was set before: it is then as told now, whole")],
    limit: Annotated[str, typer.Option("--limit", metavar="USD", help="Most that a period may cost")],
    period: Annotated[str, typer.Option("--period", help="day, week, month, quarter or year (UTC)")] = "month",
    match: Annotated[list[str] | None, typer.Option("--match", metavar="FIELD=VALUE", help="Calls it is about: team=growth; again for more")] = None,
    steps: Annotated[str, typer.Option("--steps", help="Shares of the limit that alert, each once a period")] = "60%,80%,100%",
    on_exceeded: Annotated[str, typer.Option("--on-exceeded", help="What a decision then says: warn, throttle or deny")] = "warn",
    receivers: Annotated[str, typer.Option("--receivers", help="Names of the policy's receivers, with commas")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it")] = "",
    data: Data = None,
    config: Config = None,
    warehouse: Warehouse = None,
) -> None:
    """Set or change a budget. Checked as the policy file's, in force within half a minute, in the audit log."""
    from spanledger.commands import budgets

    told = {"limit_usd": limit, "period": period, "steps": steps, "on_exceeded": on_exceeded, "receivers": receivers, "owner": owner}
    budgets.set_one(settings_of(data, config, warehouse), name, told, match or ())


@budgets_app.command("remove")
def budgets_remove(name: Annotated[str, typer.Argument()], data: Data = None, config: Config = None, warehouse: Warehouse = None) -> None:
    """Take away a budget that people have set; its alerts end. Exit 1 when there is none of that name."""
    from spanledger.commands import budgets

    raise typer.Exit(budgets.remove(settings_of(data, config, warehouse), name))
