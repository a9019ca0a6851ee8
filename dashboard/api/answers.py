"""How answers are written: money as text with every digit, times ISO 8601 UTC, what is unknown as null, bytes as hexadecimal."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
from fastapi import Response

from dashboard.access import Caller
from dashboard.api.inputs import groups
from dashboard.context import Context
from dashboard.windows import Window
from warehouse.queries import Scope


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """``body`` as JSON. Money is text: an API that says 0.1 + 0.2 for money is no ledger."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def grouped(shared: Context, who: Caller, about: Scope, asked: Window, by: str, question: Callable[..., pl.DataFrame]) -> Response:
    """What ``question(client, about, by=names)`` says to ``who``: one row per group of the ``by`` parameter."""
    names = groups(by)
    found = shared.connections.ask(who, lambda client: question(client, about, by=names))
    return answer({"by": list(names), **said(asked), "rows": rows(found)})


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as JSON objects."""
    return [plain(row) for row in frame.iter_rows(named=True)]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """One row as a JSON object: no NaN, maps (lists of key/value pairs) as objects, ids as hexadecimal."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        if value and all(isinstance(one, dict) and set(one) == {"key", "value"} for one in value):
            return {str(one["key"]): _plain(one["value"]) for one in value}
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return plain(value)
    return value


def said(window: Window) -> dict[str, str]:
    """The window as the answer repeats it."""
    return {"since": _iso(window.since), "until": _iso(window.until)}


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
