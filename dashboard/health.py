"""Is the instance alive, is it ready, and what does the web process say to Prometheus."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from dashboard.context import Context, current
from spanledger.errors import SpanledgerError

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz() -> JSONResponse:
    """200 when exports are accepted and queries answered, else 503 with the reason of each part."""
    context = current()
    collector, warehouse = await asyncio.gather(asyncio.to_thread(collector_ready, context), asyncio.to_thread(warehouse_ready, context))
    parts = {"collector": collector or "ok", "warehouse": warehouse or "ok"}
    ready = not collector and not warehouse
    return JSONResponse({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503, headers={} if ready else {"Retry-After": "1"})


def collector_ready(context: Context) -> str:
    """Why the collector does not accept exports; empty when it does. In server mode collectors run elsewhere and answer for themselves."""
    if not context.settings.embedded:
        return ""
    try:
        address = context.connections.address("otlp_http")
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=3) as reply:
            return "" if reply.status == 200 else f"answers {reply.status}"
    except urllib.error.HTTPError as exc:
        return f"answers {exc.code}: {exc.read(300).decode(errors='replace')}"
    except (OSError, SpanledgerError) as exc:
        return str(getattr(exc, "reason", exc))


def warehouse_ready(context: Context) -> str:
    """Why queries are not answered; empty when they are."""
    try:
        context.connections.ping()
    except SpanledgerError as exc:
        return str(exc)
    return ""


@router.get("/metrics")
async def metrics() -> PlainTextResponse:
    """Counters of the web process in Prometheus text format; ingest and posting counters stand on the collector's own ``/metrics``."""
    context = current()
    lines = [
        "# HELP spanledger_web_requests_total HTTP requests answered, by method, route and status.",
        "# TYPE spanledger_web_requests_total counter",
        *(
            f'spanledger_web_requests_total{{method="{method}",route="{route}",status="{status}"}} {n}'
            for (method, route, status), n in sorted(context.requests.items())
        ),
        "# HELP spanledger_web_uptime_seconds Seconds since the web process started.",
        "# TYPE spanledger_web_uptime_seconds gauge",
        f"spanledger_web_uptime_seconds {(datetime.now(UTC) - context.started_at).total_seconds():.0f}",
        "# HELP spanledger_decisions_total Answers of POST decision.",
        "# TYPE spanledger_decisions_total counter",
        *(f'spanledger_decisions_total{{answer="{name}"}} {n}' for name, n in context.book.counts.items()),
        "# HELP spanledger_decision_age_seconds How old the oldest figures are that decisions are made of.",
        "# TYPE spanledger_decision_age_seconds gauge",
        f"spanledger_decision_age_seconds {context.book.oldest(datetime.now(UTC)):.1f}",
        "# HELP process_cpu_seconds_total CPU time of the web process.",
        "# TYPE process_cpu_seconds_total counter",
        f"process_cpu_seconds_total {time.process_time():.2f}",
        "# HELP process_resident_memory_bytes Resident memory of the web process.",
        "# TYPE process_resident_memory_bytes gauge",
        f"process_resident_memory_bytes {resident_bytes()}",
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell (no ``/proc``)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0
