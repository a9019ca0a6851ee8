"""Rows on standard output: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

LARGEST_SAFE_INTEGER = 2**53  # beyond it JSON readers lose digits


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: str) -> None:
    """Print rows; ``form`` is ``table``, ``json`` (``{"data": [{column: value}]}``) or ``csv``."""
    if form == "json":
        data = [{name: plain(value) for name, value in zip(columns, row, strict=True)} for row in rows]
        sys.stdout.write(json.dumps({"data": data}, ensure_ascii=False) + "\n")
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([plain(value) for value in row] for row in rows)
    else:
        table(columns, rows)


def plain(value: Any) -> Any:
    """A value as JSON can carry it: Decimals and large integers as strings, times as ISO, bytes as upper-case hexadecimal."""
    if isinstance(value, bool | str | float) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < LARGEST_SAFE_INTEGER else str(value)
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return str(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], footer: Sequence[Any] | None = None) -> None:
    """A table for people: numbers to the right, money with its digits, as wide as it must be when not on a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    kept = [list(row) for row in rows]
    grid = Table(box=box.SIMPLE_HEAD, show_footer=footer is not None, pad_edge=False)
    for i, name in enumerate(columns):
        number = any(isinstance(row[i], int | float | Decimal) and not isinstance(row[i], bool) for row in kept)
        shown = shown_value(footer[i]) if footer is not None else ""
        grid.add_column(name, justify="right" if number else "left", footer=shown, no_wrap=number, overflow="fold")
    for row in kept:
        grid.add_row(*(shown_value(value) for value in row))
    on_terminal = sys.stdout.isatty()
    Console(width=None if on_terminal else 10_000, highlight=False, markup=False, soft_wrap=not on_terminal).print(grid)


def shown_value(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(plain(value))
