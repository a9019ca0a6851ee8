"""A real instance (``spanledger up`` in processes of its own) with a small known set of calls, sent through its OTLP door."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

ROOT = Path(__file__).parents[3]
VIEWER, FINANCE, OPERATOR = "viewer-secret", "finance-secret", "operator-secret"


@dataclass
class Reply:
    """Status, headers and parsed body of an HTTP answer."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Web:
    """A web address and how to ask it."""

    address: str
    data: Path
    addresses: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, token: str = "", **headers: str) -> Reply:
        return self._ask("GET", path, None, token, headers)

    def delete(self, path: str, token: str = "") -> Reply:
        return self._ask("DELETE", path, None, token, {})

    def post(self, path: str, body: Any, token: str = "", **headers: str) -> Reply:
        return self._ask("POST", path, json.dumps(body).encode(), token, {"content-type": "application/json", **headers})

    def put(self, path: str, body: Any, token: str = "") -> Reply:
        return self._ask("PUT", path, json.dumps(body).encode(), token, {"content-type": "application/json"})

    def _ask(self, method: str, path: str, body: bytes | None, token: str, headers: dict[str, str]) -> Reply:
        told = headers | ({"authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"http://{self.address}{path}", body, told, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return _read(reply.status, reply)
        except urllib.error.HTTPError as exc:
            return _read(exc.code, exc)


def _read(status: int, reply: Any) -> Reply:
    text = reply.read().decode()
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Reply(status, headers, json.loads(text) if "json" in headers.get("content-type", "") else text)


def free_ports() -> dict[str, str]:
    names = ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL")
    return os.environ | {f"SPANLEDGER_{name}_PORT": "0" for name in names} | {"PYTHONPATH": str(ROOT)}


def started(*args: str, wait_s: float = 90, **environment: str) -> tuple[subprocess.Popen[str], list[str]]:
    """``spanledger ARGS…`` once it has said ``ready``, and what it said before."""
    command = [sys.executable, "-m", "spanledger", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=free_ports() | environment)
    said: list[str] = []
    deadline = time.monotonic() + wait_s
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.strip())
        if line.strip() == "ready":
            return process, said
        assert time.monotonic() < deadline, said
    raise AssertionError(f"{args[0]} ended with {process.wait()}: {said}")


def stopped(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


#: app, team, environment, provider, model, input, cached, output tokens (None: not told), hours ago, error class, prompt version.
CALLS: list[tuple[str, str, str, str, str, int | None, int, int | None, float, str, str]] = [
    *[("helpdesk", "care", "prod", "openai", "gpt-4o-mini", 1000 + i, 200, 300, i / 3, "", "v1") for i in range(12)],
    *[("copilot", "growth", "prod", "anthropic", "claude-sonnet-4-5", 2000 + i, 0, 500, i / 3, "", "v2") for i in range(8)],
    *[("labs", "platform", "staging", "acme", "mystery-7b", 400, 0, 90, i, "", "") for i in range(3)],
    ("labs", "platform", "staging", "openai", "gpt-4o-mini", None, 0, None, 1, "", ""),
    ("helpdesk", "care", "prod", "openai", "gpt-4o-mini", None, 0, None, 2, "RateLimitError", "v1"),
    *[("helpdesk", "care", "prod", "openai", "gpt-4o-mini", 900, 0, 100, 24 * 9 + i, "", "v1") for i in range(5)],
]


def spans(n: int, told: tuple[Any, ...], now: datetime) -> list[dict[str, Any]]:
    """The root and the call of one trace as OTLP JSON."""
    app, team, env, provider, model, tokens_in, cached, tokens_out, hours, error, version = told
    start = now - timedelta(hours=hours, minutes=2)
    trace, root, call = (sha256(f"{name}{n}".encode()).hexdigest()[:digits] for name, digits in (("trace", 32), ("root", 16), ("call", 16)))
    question = {"role": "user", "parts": [{"type": "text", "content": f"Where is parcel number {n}? Write to jo@example.com"}]}
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model, "gen_ai.response.model": model,
        "gen_ai.response.id": f"resp-{n}", "gen_ai.prompt.name": f"{app}-main",
        "gen_ai.input.messages": json.dumps([question]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "It left the depot on Tuesday."}]}]),
    }  # fmt: skip
    if version:
        attributes["prompt.version"] = version
    if tokens_in is not None:
        attributes |= {"gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": tokens_out}
        if cached:
            attributes["gen_ai.usage.cache_read.input_tokens"] = cached
    if error:
        attributes |= {"error.type": error}
        for name in ("gen_ai.response.model", "gen_ai.response.id", "gen_ai.output.messages"):
            attributes.pop(name)
    own = {"app.id": app, "team": team}
    status = {"code": 2, "message": error} if error else {}
    return [
        _span(trace, root, "", "POST /answer", start, 1200, own | {"deployment.environment.name": env}, {}),
        _span(trace, call, root, f"chat {model}", start + timedelta(milliseconds=100), 900 + 10 * n, attributes | own, status),
    ]


def _span(
    trace: str, span: str, parent: str, name: str, start: datetime, ms: int, attributes: dict[str, Any], status: dict[str, Any]
) -> dict[str, Any]:
    at = int(start.timestamp() * 1e6) * 1000
    told = [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}} for key, value in attributes.items()
    ]
    kind = 3 if parent else 2
    times = {"startTimeUnixNano": str(at), "endTimeUnixNano": str(at + ms * 1_000_000)}
    return {"traceId": trace, "spanId": span, "parentSpanId": parent, "name": name, "kind": kind, **times, "attributes": told, "status": status}


def send(address: str, sent: list[dict[str, Any]], env: str, service: str) -> None:
    resource = [("service.name", service), ("deployment.environment.name", env)]
    scope = {"scope": {"name": "opentelemetry.instrumentation.openai_v2", "version": "2.4b0"}, "spans": sent}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in resource]}, "scopeSpans": [scope]}]}
    request = urllib.request.Request(f"http://{address}/v1/traces", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status == 200
        assert "partialSuccess" not in json.loads(reply.read())


def running(data: Path, policy: Path, **environment: str) -> Iterator[Web]:
    """An instance of its own with a policy, that holds :data:`CALLS`."""
    process, _ = started("up", "--data", str(data), "--config", str(policy), **environment)
    try:
        addresses = json.loads((data / "instance.json").read_text())["addresses"]
        now = datetime.now(UTC)
        for n, told in enumerate(CALLS):
            send(addresses["otlp_http"], spans(n, told, now), told[2], told[0])
        yield Web(addresses["web"], data, addresses)
    finally:
        stopped(process)


@pytest.fixture(scope="session")
def make_web() -> Callable[..., Iterator[Web]]:
    """:func:`running`."""
    return running


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A running instance that holds :data:`CALLS`."""
    data = tmp_path_factory.mktemp("web") / "data"
    process, _ = started("up", "--data", str(data))
    try:
        addresses = json.loads((data / "instance.json").read_text())["addresses"]
        web = Web(addresses["web"], data, addresses)
        now = datetime.now(UTC)
        for n, told in enumerate(CALLS):
            send(addresses["otlp_http"], spans(n, told, now), told[2], told[0])
        deadline = time.monotonic() + 60
        while web.get("/api/v1/spend?by=&since=30d").body["total"]["calls"] != len(CALLS):
            assert time.monotonic() < deadline, web.get("/api/v1/spend?by=app&since=30d").body
            time.sleep(0.3)
        yield web
    finally:
        stopped(process)


@pytest.fixture(scope="session")
def guarded(instance: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A second web process over the same data, with tokens configured."""
    policy = tmp_path_factory.mktemp("policy") / "spanledger.yaml"
    roles = {"viewer": (VIEWER, "[care]"), "finance": (FINANCE, "[]"), "operator": (OPERATOR, "[care, growth]")}
    lines = [
        f"  - {{name: {role}, role: {role}, sha256: {sha256(secret.encode()).hexdigest()}, teams: {teams}}}"
        for role, (secret, teams) in roles.items()
    ]
    policy.write_text("tokens:\n" + "\n".join(lines) + "\n")
    with dashboard_of(instance.data, policy) as web:
        yield Web(web.address, instance.data, instance.addresses)


@contextmanager
def dashboard_of(data: Path, policy: Path, **environment: str) -> Iterator[Web]:
    """A web process of its own on a data directory."""
    process, said = started("dashboard", "--data", str(data), "--config", str(policy), **environment)
    try:
        yield Web(next(line.split()[1] for line in said if line.startswith("web")), data)
    finally:
        stopped(process)


@pytest.fixture(scope="session")
def second_web() -> Callable[..., Any]:
    """:func:`dashboard_of`."""
    return dashboard_of


class Provider:
    """An OpenID Connect provider on loopback that asks nobody: whoever comes is who ``claims`` say."""

    CLIENT, SECRET = "spanledger", "client-secret"

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        self.claims: dict[str, Any] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self._nonces: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, "")

            def do_POST(self) -> None:
                provider.answer(self, self.rfile.read(int(self.headers["content-length"])).decode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, body: str) -> None:
        path, told = urlsplit(request.path).path, {k: v[0] for k, v in parse_qs(body or urlsplit(request.path).query).items()}
        if path == "/authorize":
            code = f"code-{len(self._nonces)}"
            self._nonces[code] = told.get("nonce", "")
            request.send_response(302)
            request.send_header("location", f"{told['redirect_uri']}?{urlencode({'code': code, 'state': told['state']})}")
            request.send_header("content-length", "0")
            request.end_headers()
            return
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        if path == "/token":
            secret = base64.b64encode(f"{self.CLIENT}:{self.SECRET}".encode()).decode()
            assert request.headers["authorization"] == f"Basic {secret}"
            answer = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": self._signed(self._nonces.pop(told["code"]))}
        elif path == "/keys":
            answer = {"keys": [self._key.as_dict(private=False)]}
        else:
            known = {"response_types_supported": ["code"], "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"]}
            answer = {"issuer": self.issuer, **{name: self.issuer + end for name, end in ends.items()}, **known}
        said = json.dumps(answer).encode()
        request.send_response(200)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(said)))
        request.end_headers()
        request.wfile.write(said)

    def _signed(self, nonce: str) -> str:
        from joserfc import jwt

        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.CLIENT, "sub": "one", "iat": now, "exp": now + 300, "nonce": nonce} | self.claims
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A login provider."""
    found = Provider()
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def signed_in(instance: Web, provider: Provider, tmp_path: Path) -> Iterator[Web]:
    """A web process over the same data where people log in with the provider's accounts."""
    policy = tmp_path / "spanledger.yaml"
    policy.write_text(
        f"oidc: {{issuer: '{provider.issuer}', client_id: {provider.CLIENT}, client_secret: {provider.SECRET}}}\n"
        "roles:\n  - {role: viewer, groups: [care-readers], teams: [care]}\n  - {role: finance, emails: ['@example.org']}\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process, _ = started("dashboard", "--data", str(instance.data), "--config", str(policy), SPANLEDGER_WEB_PORT=port)
    try:
        yield Web(f"127.0.0.1:{port}", instance.data, instance.addresses)
    finally:
        stopped(process)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A running instance that nobody has sent anything."""
    data = tmp_path_factory.mktemp("empty") / "data"
    process, _ = started("up", "--data", str(data))
    try:
        addresses = json.loads((data / "instance.json").read_text())["addresses"]
        yield Web(addresses["web"], data, addresses)
    finally:
        stopped(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; the test is skipped where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromedriver are not installed")
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
    for flag in (*flags, "--disable-component-update", "--no-first-run", "--window-size=1440,1300"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield found
    finally:
        found.quit()
