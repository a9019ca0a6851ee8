"""Who calls what in the demo: a dozen apps of five teams, how busy they are, and what happens to them during the month."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from spanledger.demo import texts
from spanledger.demo.texts import Exchange

DAYS = 30

Task = Callable[[Random, bool], Exchange]


@dataclass(frozen=True)
class Model:
    """A model as telemetry names it. ``first_ms``, ``per_token_ms``: how fast it answers."""

    provider: str
    name: str
    answered: str
    first_ms: float
    per_token_ms: float


GPT4O = Model("openai", "gpt-4o", "gpt-4o-2024-08-06", 420, 11)
GPT5 = Model("openai", "gpt-5", "gpt-5-2025-08-07", 900, 14)
GPT5_MINI = Model("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 380, 7)
GPT4O_MINI = Model("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 300, 7)
SONNET = Model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 650, 13)
OPUS = Model("anthropic", "claude-opus-4-1", "claude-opus-4-1-20250805", 1100, 22)
FLASH = Model("google", "gemini-2.5-flash", "gemini-2.5-flash", 280, 5)
MISTRAL = Model("mistral", "mistral-small-latest", "mistral-small-2506", 250, 8)
LLAMA = Model("vllm", "llama-3.3-70b", "llama-3.3-70b", 180, 18)
OLLAMA = Model("ollama", "qwen3:8b", "qwen3:8b", 120, 16)
INHOUSE = Model("acme-ml", "acme-rerank-7b", "acme-rerank-7b", 90, 4)  # in no price book: shown as unpriced
EMBEDDING = Model("openai", "text-embedding-3-small", "text-embedding-3-small", 60, 0)


@dataclass(frozen=True)
class App:
    """One app. ``per_day``: requests on an average weekday; token figures are means of log-normal draws."""

    id: str
    team: str
    dialect: str
    model: Model
    per_day: int
    task: Task
    rhythm: str = "office"
    route: str = "/answer"
    tenant: str = "acme"
    tokens_in: int = 900
    tokens_out: int = 180
    prompt: str = ""
    stream: bool = False
    agent_steps: int = 0
    cached_share: float = 0.0  # of the input read from the provider's prompt cache
    hits: float = 0.0  # share answered from the app's own response cache
    errors: float = 0.006
    bad: float = 0.0
    biz: str = ""
    edge: bool = False
    guarded: bool = False
    tools: tuple[str, ...] = field(default=())


def plain(make: Callable[[Random], Exchange]) -> Task:
    """A task that knows no bad answers."""
    return lambda rnd, _bad: make(rnd)


def over(domain: str) -> Task:
    """Questions over the retrieved passages of a domain."""
    return lambda rnd, bad: texts.retrieval(domain, rnd, bad)


APPS = (
    App(
        "helpdesk-bot",
        "support",
        "openinference",
        GPT4O,
        240,
        over("help"),
        "consumer",
        "/chat",
        prompt="helpdesk",
        stream=True,
        hits=0.16,
        bad=0.03,
        biz="tickets_resolved",
        guarded=True,
    ),
    App(
        "ticket-triage",
        "support",
        "openllmetry",
        GPT4O_MINI,
        200,
        texts.triage,
        "office",
        "/triage",
        tokens_in=420,
        tokens_out=60,
        prompt="triage",
        bad=0.02,
    ),
    App(
        "product-search",
        "growth",
        "openinference",
        FLASH,
        150,
        over("shop"),
        "consumer",
        "/search",
        "nordwind",
        1300,
        120,
        "search",
        bad=0.04,
        edge=True,
        biz="orders",
    ),
    App("campaign-writer", "growth", "openllmetry", GPT5, 60, plain(texts.campaign), "office", "/drafts", "nordwind", 600, 420, "campaign"),
    App(
        "storefront-chat",
        "growth",
        "vercel",
        GPT5_MINI,
        150,
        plain(texts.storefront),
        "consumer",
        "/api/chat",
        "nordwind",
        700,
        150,
        "storefront",
        True,
        edge=True,
        biz="orders",
    ),
    App(
        "checkout-assistant",
        "payments",
        "genai",
        GPT4O_MINI,
        120,
        over("shop"),
        "consumer",
        "/assist",
        tokens_in=800,
        tokens_out=110,
        prompt="checkout",
        bad=0.02,
        biz="checkouts",
        guarded=True,
    ),
    App(
        "fraud-explainer",
        "payments",
        "langfuse",
        MISTRAL,
        90,
        plain(texts.fraud),
        "steady",
        "/explain",
        tokens_in=650,
        tokens_out=140,
        prompt="fraud",
    ),
    App(
        "contract-analyst",
        "legal",
        "genai",
        OPUS,
        34,
        over("legal"),
        "office",
        "/clauses",
        "globex",
        9000,
        520,
        "clauses",
        cached_share=0.72,
        bad=0.05,
    ),
    App(
        "policy-search",
        "legal",
        "genai",
        SONNET,
        46,
        over("legal"),
        "office",
        "/policies",
        "globex",
        3200,
        260,
        "policies",
        cached_share=0.4,
        bad=0.03,
    ),
    App(
        "code-review-agent",
        "platform",
        "twins",
        SONNET,
        40,
        plain(texts.review),
        "office",
        "/review",
        tokens_in=5200,
        tokens_out=640,
        prompt="review",
        agent_steps=3,
        cached_share=0.6,
        tools=("read_file", "run_tests", "search_code"),
    ),
    App(
        "incident-summariser",
        "platform",
        "genai",
        LLAMA,
        60,
        plain(texts.incident),
        "steady",
        "/summary",
        tokens_in=1500,
        tokens_out=120,
        prompt="incident",
    ),
    App(
        "data-notebook",
        "platform",
        "genai",
        GPT4O,
        34,
        plain(texts.analysis),
        "office",
        "/ask",
        tokens_in=2600,
        tokens_out=300,
        prompt="notebook",
        agent_steps=2,
        tools=("run_sql", "plot"),
    ),
    App("doc-translator", "growth", "genai", OLLAMA, 70, plain(texts.translation), "night", "/translate", "nordwind", 520, 480, "translate"),
)

BY_ID = {app.id: app for app in APPS}


@dataclass(frozen=True)
class Moment:
    """An hour of the demo as its events see it. ``ago``: days before the anchor, fractional; negative in live traffic."""

    at: datetime
    ago: float

    @classmethod
    def of(cls, at: datetime, anchor: datetime) -> Moment:
        """The moment ``at`` in a history that ends at ``anchor``."""
        return cls(at, (anchor - at) / timedelta(days=1))


def busy(app: App, moment: Moment) -> float:
    """Expected requests of the hour: the week's rhythm, the month's growth, and what happened."""
    hour, weekday = moment.at.hour, moment.at.weekday()
    office = math.exp(-(((hour - 10.5) / 3.2) ** 2)) + 0.9 * math.exp(-(((hour - 15) / 2.6) ** 2))
    evening = 0.35 + math.exp(-(((hour - 12.5) / 4) ** 2)) + 1.1 * math.exp(-(((hour - 19.5) / 2.8) ** 2))
    shape = {"office": office / 9.2, "consumer": evening / 20.8, "steady": 1 / 24, "night": math.exp(-(((hour - 2.5) / 1.8) ** 2)) / 3.2}[app.rhythm]
    weekend = {"office": 0.12, "consumer": 1.25, "steady": 0.8, "night": 0.6}[app.rhythm] if weekday >= 5 else 1.0
    growth = 1 + 0.006 * (DAYS - moment.ago)
    return app.per_day * shape * weekend * growth * happened(app, moment)


def happened(app: App, moment: Moment) -> float:
    """Factor on traffic: the launch of product-search, a runaway loop of data-notebook."""
    if app.id == "product-search":
        return 0.2 if moment.ago > 12 else 2.6 if moment.ago > 9 else 1.5
    if app.id == "data-notebook" and runaway(moment):
        return 22.0
    return 1.0


def runaway(moment: Moment) -> bool:
    """A loop of data-notebook ran away for four hours, six days ago."""
    return 5.9 < moment.ago <= 6.1


def outage(provider: str, moment: Moment) -> bool:
    """Anthropic had a bad three hours four days ago."""
    return provider == "anthropic" and 4.0 < moment.ago <= 4.125


def model_of(app: App, moment: Moment) -> Model:
    """helpdesk-bot moved to a cheaper model fifteen days ago."""
    return GPT5_MINI if app.id == "helpdesk-bot" and moment.ago <= 15 else app.model


def version_of(app: App, moment: Moment) -> str:
    """Prompt version: helpdesk-bot went through three, the others through two or one."""
    if app.id == "helpdesk-bot":
        return "v7" if moment.ago > 15 else "v8" if moment.ago > 8 else "v9"
    if app.id in ("ticket-triage", "contract-analyst", "storefront-chat"):
        return "v3" if moment.ago > 11 else "v4"
    return "v1"


def bad_share(app: App, moment: Moment) -> float:
    """Share of bad answers: v8 of helpdesk-bot was a step back, v4 of ticket-triage too."""
    if app.id == "helpdesk-bot" and version_of(app, moment) == "v8":
        return 0.15
    if app.id == "ticket-triage" and version_of(app, moment) == "v4":
        return 0.06
    return app.bad
