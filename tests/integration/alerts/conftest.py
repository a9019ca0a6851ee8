"""A ledger on real chDB, an alert engine on it, and a receiver that takes what it is sent over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from alerts.delivery import send
from alerts.jobs import Engine, Send
from spanledger.policy import PolicyFile
from warehouse.engine import Engine as Warehouse
from warehouse.migrate import migrate

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Desk:
    """What came: (path, headers, body). ``answer``: the status that it gives."""

    url: str = ""
    answer: int = 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.got]


@pytest.fixture
def desk() -> Iterator[Desk]:
    told = Desk()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.got.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(told.answer)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Warehouse.open(tmp_path_factory.mktemp("alerts")) as engine:
        client = engine.client()
        migrate(client)
        yield client


@pytest.fixture
def client(warehouse: Client) -> Client:
    """Of a warehouse that holds nothing."""
    for table in (
        "calls",
        "scores",
        "alerts",
        "alert_notices",
        "alert_acknowledgements",
        "silences",
        "anomalies",
        "budget_forecasts",
        "budgets",
        "job_marks",
        "audit_log",
    ):
        warehouse.command(f"TRUNCATE TABLE spanledger.{table}")
    return warehouse


class Ledger:
    """Calls, put in by hand."""

    def __init__(self, client: Client) -> None:
        self._client, self._n = client, 0

    def add(self, n: int, at: datetime, *, app: str = "shop", team: str = "growth", usd: str = "0.1", trace: str = "", **more: Any) -> None:
        """``n`` calls at one moment; ``trace``: of this trace (hexadecimal), each of its own otherwise."""
        told = {
            "outcome": "success", "latency_ms": 200.0, "cost_source": "computed", "usage_source": "reported", "model": "m", "project": "p",
            "service": "s", "app_id": app, "team": team, "model_tier": "standard", "entry_kind": "call", **more,
        }  # fmt: skip
        made = {
            **{name: f"'{v}'" if isinstance(v, str) else str(v) for name, v in told.items()}, "billed": "true", "ver": "1",
            "ts": f"toDateTime64({at.timestamp()}, 6, 'UTC')", "span_id": f"unhex(hex(sipHash64(number + {self._n})))",
            "trace_id": f"unhex('{trace}')" if trace else f"unhex(hex(sipHash128(number + {self._n})))",
            "cost_estimate_usd": f"toDecimal64('{usd}', 9)",
        }  # fmt: skip
        self._client.command(f"INSERT INTO spanledger.calls ({', '.join(made)}) SELECT {', '.join(made.values())} FROM numbers({n})")
        self._n += n

    def judge(self, n: int, at: datetime, detector: str, *, score: float, flagged: bool, app: str = "shop") -> None:
        """``n`` answers at one moment, of one detector."""
        made = {
            "ts": f"toDateTime64({at.timestamp()}, 6, 'UTC')", "project": "'p'", "service": "'s'", "app_id": f"'{app}'", "detector": f"'{detector}'",
            "trace_id": f"unhex(hex(sipHash128(number + {self._n})))", "span_id": f"unhex(hex(sipHash64(number + {self._n})))", "ver": "1",
            "score": str(score), "hallucination_score": str(score), "flagged": str(flagged).lower(),
        }  # fmt: skip
        self._client.command(f"INSERT INTO spanledger.scores ({', '.join(made)}) SELECT {', '.join(made.values())} FROM numbers({n})")
        self._n += n


@pytest.fixture
def ledger(client: Client) -> Ledger:
    return Ledger(client)


Start = Callable[..., Engine]


@pytest.fixture
def start(client: Client, desk: Desk, tmp_path: Path) -> Iterator[Start]:
    """``start(policy)``: an engine that has taken up what is remembered; another one is a restart."""
    file = tmp_path / "spanledger.yaml"
    http = httpx.Client()
    deliver = partial(send, client=http)

    def begin(policy: str = "", now: datetime = NOW, drops: float | None = None, send: Send = deliver) -> Engine:
        if policy:
            file.write_text(policy.replace("$URL", desk.url))
        engine = Engine(client, PolicyFile(file, None), lambda t: f"hash-{t}", lambda _now, _over: drops, send, "http://led.ger")
        engine.take_up(now)
        return engine

    yield begin
    http.close()
