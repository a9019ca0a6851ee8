"""One request to an app of the demo: drawn at random from its hour, told as a trace."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from spanledger.demo import spans
from spanledger.demo.fleet import EMBEDDING, FLASH, GPT4O, INHOUSE, App, Model, Moment, bad_share, model_of, outage, runaway, version_of
from spanledger.demo.spans import Call, Export, Trace
from spanledger.demo.texts import Exchange, person

MS = 1_000_000
REGIONS = ("eu-central-1", "eu-central-1", "us-east-1")
EDGES = ("fra", "iad", "sin", "gru")
DEVICES = ("desktop", "mobile", "mobile", "tablet")
TENANTS = {"acme": 40, "nordwind": 90, "globex": 12}  # users of each


def request(app: App, moment: Moment, start_ns: int, rnd: Random, export: Export) -> int:
    """Write one request's trace into ``export``; gives the number of provider calls it made."""
    trace = Trace(app, export, rnd, rnd.choice(REGIONS), rnd.randbytes(16))
    wild = app.id == "data-notebook" and runaway(moment)
    told = caller(app, moment, rnd, wild)
    bad = rnd.random() < bad_share(app, moment)
    exchange = app.task(rnd, bad)
    if app.hits and rnd.random() < app.hits:
        return _from_cache(trace, moment, exchange, start_ns, told)
    steps = 1 + (rnd.randint(1, app.agent_steps) if app.agent_steps else 0) + (6 if wild else 0)
    at = start_ns + rnd.randint(2, 12) * MS
    root = _reserve(trace)
    parent, agent_from, calls = root, at, 0
    if exchange.documents:
        at = _retrieve(trace, exchange, at, root, rnd)
        calls += app.dialect == "openinference"
    if app.agent_steps:
        parent = _reserve(trace)
    usage = [0, 0]
    for step in range(steps):
        made = call(app, model_of(app, moment), exchange, at, rnd, growth=step if wild else 0)
        made = trouble(made, app, moment, rnd)
        extra = dict(made.extra) | _business(app, rnd, bad) | (told if app.dialect == "langfuse" else {})
        spans.tell(trace, app.dialect, replace(made, extra=tuple(extra.items())), parent)
        at, calls = made.end_ns + rnd.randint(1, 6) * MS, calls + 1
        if made.error:
            if app.model.provider == "anthropic" and rnd.random() < 0.8:
                at, calls = _fall_back(trace, app, exchange, at, rnd, parent), calls + 1
            break
        usage = [usage[0] + made.tokens_in, usage[1] + made.tokens_out]
        if app.tools and step + 1 < steps:
            at = _use_tool(trace, app, at, parent, rnd)
    if app.agent_steps:
        _agent(trace, app, parent, root, agent_from, at, usage)
    if app.guarded:
        spans.guardrail(trace, rnd.random() < 0.004, at, root)
    _finish(trace, root, start_ns, at + rnd.randint(1, 9) * MS, told)
    return calls


def caller(app: App, moment: Moment, rnd: Random, wild: bool) -> spans.Attributes:
    """Who asks, on which surface: the attributes of the service's own span."""
    number = 0 if wild else int(TENANTS[app.tenant] * rnd.random() ** 1.7)
    user = person(Random(f"{app.tenant}-{number}"))[1]  # noqa: S311  no secret
    told: spans.Attributes = {
        "http.request.method": "POST",
        "http.route": app.route,
        "app.id": app.id,
        "tenant.id": app.tenant,
        "user.id": user,
        "session.id": f"{app.id}-{number}-{moment.at:%Y%m%d}" + ("" if wild else f"-{rnd.randint(0, 2)}"),
        "prompt.name": app.prompt,
        "prompt.version": version_of(app, moment),
    }
    if app.edge:
        told |= {"device.class": rnd.choice(DEVICES), "region": rnd.choice(EDGES)}
    return told


def call(app: App, model: Model, exchange: Exchange, start_ns: int, rnd: Random, growth: int = 0) -> Call:
    """A call that goes well. ``growth``: how many turns of a runaway loop its context has swallowed."""
    tokens_in = max(20, int(app.tokens_in * rnd.lognormvariate(-0.08, 0.4) * (1 + 0.35 * growth)))
    tokens_out = max(3, int(app.tokens_out * rnd.lognormvariate(-0.1, 0.45)))
    cached = int(tokens_in * app.cached_share) // 128 * 128 if rnd.random() < 0.85 else 0
    first_ms = model.first_ms * rnd.lognormvariate(0, 0.3) + tokens_in * 0.015
    duration_ms = first_ms + tokens_out * model.per_token_ms * rnd.lognormvariate(0, 0.12)
    prefix = {"anthropic": "msg_01", "openai": "chatcmpl-"}.get(model.provider, "resp-")
    response_id = f"{prefix}{rnd.getrandbits(96):024x}"
    end_ns = start_ns + int(duration_ms * MS)
    return Call(model, exchange, start_ns, end_ns, tokens_in, tokens_out, cached, response_id, app.stream, first_ms)


def trouble(made: Call, app: App, moment: Moment, rnd: Random) -> Call:
    """Now and then a call fails, is slow, is cut off or filtered; much oftener while its provider is down."""
    down = outage(made.model.provider, moment)
    dice = rnd.random()
    if dice < (0.38 if down else app.errors):
        error = rnd.choice(("RateLimitError", "APITimeoutError", "InternalServerError"))
        waited_ms = 30_000 if error == "APITimeoutError" else rnd.randint(80, 900)
        return replace(made, error=error, end_ns=made.start_ns + waited_ms * MS, tokens_in=0, tokens_out=0, cached=0, response_id="")
    if dice > 0.9985:
        return replace(made, finish="content_filter", tokens_out=0, exchange=replace(made.exchange, answer=""))
    if dice > 0.995:
        return replace(made, finish="length", exchange=replace(made.exchange, answer=made.exchange.answer[: len(made.exchange.answer) // 2]))
    if dice > 0.98:
        return replace(made, extra=(("spanledger.retry", 1),), end_ns=made.end_ns + 1400 * MS)
    return made


def _from_cache(trace: Trace, moment: Moment, exchange: Exchange, start_ns: int, told: spans.Attributes) -> int:
    """The app's own response cache answers: a call that nobody bills."""
    root = _reserve(trace)
    made = call(trace.app, model_of(trace.app, moment), exchange, start_ns + MS, trace.rnd)
    hit = replace(made, end_ns=made.start_ns + 4 * MS, ttft_ms=3.0, extra=(("spanledger.cache_hit", True),))
    spans.tell(trace, trace.app.dialect, hit, root)
    _finish(trace, root, start_ns, hit.end_ns + MS, told)
    return 1


def _retrieve(trace: Trace, exchange: Exchange, at: int, root: bytes, rnd: Random) -> int:
    """Embed the question where the app does, search, and now and then rerank; gives when it ended."""
    if trace.app.dialect == "openinference":
        spans.embedding(trace, EMBEDDING, exchange.user, 6 + len(exchange.user) // 4, at, root)
        at += 46 * MS
    end = at + rnd.randint(8, 60) * MS
    spans.retriever(trace, exchange.documents, exchange.user, at, end, root)
    if trace.app.id == "product-search" and rnd.random() < 0.15:
        asked = Exchange("Rank the passages.", exchange.user, "2, 1, 3")
        made = replace(call(trace.app, INHOUSE, asked, end, rnd), tokens_out=5)
        spans.genai(trace, made, root)
        end = made.end_ns
    return end + MS


def _fall_back(trace: Trace, app: App, exchange: Exchange, at: int, rnd: Random, parent: bytes) -> int:
    """Another provider answers after the first has failed."""
    made = call(app, GPT4O if app.model.name.startswith("claude") else FLASH, exchange, at, rnd)
    fallen: tuple[tuple[str, spans.Value], ...] = (("spanledger.fallback", True), ("spanledger.circuit_state", "open"))
    spans.tell(trace, "genai", replace(made, cached=0, extra=fallen), parent)
    return made.end_ns + MS


def _use_tool(trace: Trace, app: App, at: int, parent: bytes, rnd: Random) -> int:
    name = rnd.choice(app.tools)
    arguments = (
        {"query": f"SELECT week, count(*) FROM orders GROUP BY week LIMIT {rnd.randint(5, 50)}"} if name == "run_sql" else {"path": f"src/{name}.py"}
    )
    end = at + rnd.randint(20, 1200) * MS
    spans.tool(trace, name, arguments, at, end, parent, "ToolError" if rnd.random() < 0.03 else "")
    return end + MS


def _business(app: App, rnd: Random, bad: bool) -> spans.Attributes:
    """What the request earned: orders, resolved tickets; a bad answer earns less often."""
    if not app.biz or rnd.random() > (0.05 if bad else 0.22):
        return {}
    return {f"spanledger.biz.{app.biz}": 1.0}


def _reserve(trace: Trace) -> bytes:
    """The id of a span that is written when it has ended."""
    return trace.rnd.randbytes(8)


def _finish(trace: Trace, root: bytes, start_ns: int, end_ns: int, told: spans.Attributes) -> None:
    """Write the service's own span."""
    trace.span(spans.SERVER, f"POST {trace.app.route}", start_ns, end_ns, told | {"http.response.status_code": 200}, span_id=root, server=True)


def _agent(trace: Trace, app: App, span_id: bytes, root: bytes, start_ns: int, end_ns: int, usage: list[int]) -> None:
    """The agent's span: it repeats the sum of its calls."""
    told: spans.Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": app.id,
        "gen_ai.usage.input_tokens": usage[0],
        "gen_ai.usage.output_tokens": usage[1],
    }
    trace.span(spans.GENAI, f"invoke_agent {app.id}", start_ns, end_ns, told, span_id=span_id, parent=root)


def draws(expected: float, rnd: Random) -> int:
    """A Poisson draw (Knuth's method below 30, a rounded normal draw above)."""
    if expected > 30:
        return max(0, round(rnd.gauss(expected, math.sqrt(expected))))
    limit, k, product = math.exp(-expected), 0, rnd.random()
    while product > limit:
        k, product = k + 1, product * rnd.random()
    return k
