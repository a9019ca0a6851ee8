"""Options that commands share, and the settings they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from spanledger.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Data directory (default: the platform's)")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Policy file, spanledger.yaml")]
Warehouse = Annotated[str | None, typer.Option("--warehouse", metavar="URL", help="ClickHouse server: clickhouse://user@host:8443/db")]
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True)]
Format = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to print rows")]
Since = Annotated[str, typer.Option("--since", metavar="T", help="7d, 12h, 2026-11-01 or an ISO time; UTC")]
Until = Annotated[str, typer.Option("--until", metavar="T", help="As --since; that moment itself is left out")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="T", help="Tenant as telemetry names it")]


def settings_of(data: Path | None = None, config: Path | None = None, warehouse: str | None = None) -> Settings:
    """Settings of the environment with the options of the command line on top."""
    from spanledger.settings import load_settings

    return load_settings(data_dir=data and data.absolute(), config=config and config.absolute(), warehouse=warehouse)
