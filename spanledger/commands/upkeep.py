"""Commands around the data: schema, self-check, tokens."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

import spanledger
from spanledger import instance
from spanledger.commands.warehouses import opened
from spanledger.errors import NotFound, SpanledgerError
from spanledger.settings import LISTENERS, Settings

ROOMS = ("collector", "warehouse", "detectors", "alerts", "dashboard")
Finding = tuple[str, str, str]  # ("ok" | "warning" | "wrong", what, detail)


def migrate(settings: Settings) -> None:
    """Apply what is missing; on a running instance the collector has already done it."""
    from warehouse.migrate import migrate as apply

    with opened(settings, writing=True, migrating=True) as client:
        names = apply(client, layout="cluster" if settings.cluster else "single")
    typer.echo("\n".join(f"applied {name}" for name in names) or "schema is up to date")


def hash_token(token: str) -> None:
    """Print the hash of ``token``, or make one and print both."""
    if token in ("-",):
        token = sys.stdin.readline().strip()
    if not token:
        token = "sl_" + secrets.token_urlsafe(32)
        typer.echo(f"token:  {token}   (shown once)")
    typer.echo(f"sha256: {hashlib.sha256(token.encode()).hexdigest()}")


def doctor(settings: Settings) -> int:
    """Print findings; 1 when something is wrong, else 0."""
    found: list[Finding] = []
    for check in (_program, _foreign_rooms, _extras, _policy, _data_directory, _listeners, _warehouse, _collector, _judging):
        try:
            found += list(check(settings))
        except SpanledgerError as exc:
            found.append(("wrong", check.__name__.strip("_").replace("_", " "), str(exc)))
    mark = {"ok": "✓", "warning": "!", "wrong": "✗"}
    width = max(len(what) for _, what, _ in found)
    for state, what, detail in found:
        typer.echo(f"{mark[state]} {what:<{width}}  {detail}")
    return int(any(state == "wrong" for state, _, _ in found))


def _program(_settings: Settings) -> Iterator[Finding]:
    where = Path(spanledger.__file__).parent
    yield (
        "ok",
        "program",
        f"Spanledger {spanledger.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, {where}",
    )
    cores, memory = os.cpu_count() or 1, _memory_gib()
    yield "ok" if memory >= 4 else "warning", "machine", f"{cores} cores, {memory:.1f} GiB memory"


def _foreign_rooms(_settings: Settings) -> Iterator[Finding]:
    """Another package with the name of one of our rooms would be imported in its place."""
    home = Path(spanledger.__file__).resolve().parents[1]
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        if spec is None or not spec.origin:
            yield "wrong", f"room {room}", "is not installed: install Spanledger again"
        elif Path(spec.origin).resolve().parents[1] != home:
            yield "wrong", f"room {room}", f"is another package's: {spec.origin}; install Spanledger in an environment of its own"
    yield "ok", "rooms", f"all from {home}"


def _extras(_settings: Settings) -> Iterator[Finding]:
    from collector.redaction.compiled import load

    for extra, module, without in (
        ("dashboard", "streamlit", "no pages"),
        ("embeddings", "sentence_transformers", "grounding judges by lexical evidence only"),
        ("receivers", "apprise", "no apprise receivers"),
    ):
        there = importlib.util.find_spec(module) is not None
        yield "ok" if there else "warning", f"extra {extra}", "installed" if there else f"not installed: {without}"
    compiled = load() is not None
    yield (
        "ok" if compiled else "warning",
        "redaction gates",
        "compiled" if compiled else "not compiled: redaction is slower; install again where a C compiler is",
    )


def _policy(settings: Settings) -> Iterator[Finding]:
    from spanledger.policy import load_policy

    policy = load_policy(settings.policy_path, settings.tokens_file)
    yield (
        "ok",
        "policy",
        f"{settings.policy_path}: {len(policy.apps)} apps, {len(policy.budgets)} budgets" if settings.policy_path else "none: defaults",
    )


def _data_directory(settings: Settings) -> Iterator[Finding]:
    if not settings.data_dir.is_dir():
        yield "warning", "data", f"{settings.data_dir} does not exist yet; `spanledger up` makes it"
        return
    free = shutil.disk_usage(settings.data_dir).free / 2**30
    writable = os.access(settings.data_dir, os.W_OK)
    state = "wrong" if not writable else "warning" if free < 2 else "ok"
    yield state, "data", f"{settings.data_dir}, {free:.1f} GiB free{'' if writable else ', not writable'}"


def _listeners(settings: Settings) -> Iterator[Finding]:
    from spanledger.supervisor import check_ports

    if found := instance.running(settings.data_dir):
        restarts = f"; restarted: {found.restarts}" if found.restarts else ""
        addresses = ", ".join(f"{name} {found.addresses[name]}" for name in LISTENERS if name in found.addresses)
        yield "ok" if not restarts else "warning", "instance", f"process {found.pid}, version {found.version}: {addresses}{restarts}"
    elif instance.held(settings.data_dir):
        yield "warning", "instance", "is starting"
    else:
        check_ports(settings)
        yield "ok", "instance", "not running; its ports are free"


def _warehouse(settings: Settings) -> Iterator[Finding]:
    try:
        with opened(settings) as client:
            from warehouse.health import report

            yield "ok", "warehouse", f"answers, ClickHouse {client.server_version}"
            yield from report(client)
    except NotFound as exc:
        yield "warning", "warehouse", str(exc)


def _collector(settings: Settings) -> Iterator[Finding]:
    """What the running collector has counted since it started: waiting, refused, dropped."""
    from dashboard.collector_metrics import fetched, losses

    address = (instance.reported(settings.data_dir, "collector") or {}).get("otlp_http", "") if instance.held(settings.data_dir) else ""
    if not address:
        return
    samples = fetched(address)
    one = {s.name: s.value for s in samples if not s.labels}
    kept, spool, waiting = (one.get(f"spanledger_{n}", 0) for n in ("spans_journaled_total", "spool_bytes", "posting_backlog"))
    slow = spool > settings.spool_bytes / 2
    yield (
        "warning" if slow else "ok",
        "ingest",
        f"{kept:,.0f} rows since the start; {spool / 2**20:.1f} MiB on the spool, {waiting:,.0f} rows to post",
    )
    for meaning, reason, n in losses(samples):
        harmless = "nothing about an LLM call" in meaning
        yield "ok" if harmless else "warning", "drops", f"{n:,} × {meaning[:1].lower()}{meaning[1:]}{f': {reason}' if reason else ''}"


def _judging(settings: Settings) -> Iterator[Finding]:
    """How far the detectors are."""
    from dashboard.collector_metrics import fetched

    address = (instance.reported(settings.data_dir, "window") or {}).get("metrics", "") if instance.held(settings.data_dir) else ""
    if not address:
        return
    one = {s.name.removeprefix("spanledger_"): s.value for s in fetched(address) if not s.labels}
    waiting, lag, oldest = (one.get(n, 0) for n in ("answers_waiting", "judging_lag_seconds", "judging_backlog_seconds"))
    rest = ", resting while exports come in" if one.get("judging_resting") else ""
    told = f"{one.get('answers_judged_total', 0):,.0f} answers since the start; {waiting:,.0f} wait, the oldest {oldest:,.0f} s"
    yield "ok", "judging", f"{told}; {lag:.1f} s behind{rest}"


def _memory_gib() -> float:
    if sys.platform == "win32":
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
