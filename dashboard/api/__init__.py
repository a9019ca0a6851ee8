"""The HTTP API under ``/api/v1``: one module per subject, each a FastAPI router. Questions to ``warehouse.queries``, answers as JSON.

Open ``inputs.py`` (who asks, windows, filters), then ``spend.py``. Money is text, times are ISO 8601 UTC, errors are RFC 9457 problems.
"""

from __future__ import annotations

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Every router of the API."""
    from dashboard.api import alerting, budgets, calls, decision, evidence, gates, prices, quality, service, spend

    money = [spend.router, prices.router, budgets.router]
    rest = [calls.router, service.router, quality.router, gates.router, alerting.router, evidence.router]
    return [decision.router, *money, *rest]  # routes are tried in turn: first the one that callers wait for
