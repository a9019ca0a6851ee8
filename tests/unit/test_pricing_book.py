"""The price book equals its source where that prices properly, and says so where it does not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import genai_prices
import polars as pl
import pytest
from genai_prices.data import providers
from genai_prices.types import ModelPrice
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.pricing import Contract, GpuPrice, ModelAlias, PriceBook, PriceOverride, TierRule, TierRules, price_columns
from collector.pricing.names import stripped
from spanledger.model import Usage

BOOK = PriceBook.load()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LISTED = [(p.id, m.id) for p in providers for m in p.models]
NANO = Decimal("1e-9")


def cost(provider: str, model: str, usage: Usage | None = None, book: PriceBook = BOOK, **more):
    return book.price(provider=provider, model=model, at=more.pop("at", AT), usage=usage or Usage(input=1000, output=50), **more)


def usages(most: int = 2_000_000):
    @st.composite
    def build(draw):
        n_in, n_out = draw(st.integers(0, most)), draw(st.integers(0, most))
        read = draw(st.none() | st.integers(0, n_in))
        write = draw(st.none() | st.integers(0, n_in - (read or 0)))
        long = draw(st.none() | st.integers(0, write or 0))
        return Usage(
            input=n_in, output=n_out, cache_read=read, cache_write=write, cache_write_1h=long, reasoning=draw(st.none() | st.integers(0, n_out))
        )

    return build()


@settings(max_examples=800, deadline=None)
@given(
    st.sampled_from(LISTED), usages(), st.datetimes(datetime(2023, 1, 1), datetime(2027, 6, 1)), st.sampled_from(["", "batch", "flex", "priority"])
)
def test_a_listed_model_costs_what_genai_prices_says_to_the_last_digit(listed, usage, at, tier):
    provider, model = listed
    told = genai_prices.Usage(
        input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cache_read, cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=usage.cache_write_1h, output_reasoning_tokens=usage.reasoning,
    )  # fmt: skip
    context = {"": None, "batch": {"processing": "batch"}}.get(tier, {"service_tier": tier})
    at = at.replace(tzinfo=UTC)
    try:
        true = genai_prices.calc_price(told, model, provider_id=provider, genai_request_timestamp=at, price_context=context)
    except (LookupError, ValueError):
        return
    got = BOOK.price(provider=provider, model=model, at=at, usage=usage, service_tier=tier)
    if isinstance(true.model_price, ModelPrice) and not any(v is not None for v in true.model_price.__dict__.values()):
        assert got.source == "unpriced" or got.price_id.startswith("free:")  # listed without a price is no zero
        return
    assert abs(got.total - true.total_price) <= NANO / 2
    assert got.total == got.input + got.cache_read + got.cache_write + got.output + got.other
    assert got.total.as_tuple().exponent == -9


@pytest.mark.parametrize(
    ("provider", "model", "server", "lists", "entry"),
    [
        ("azure.ai.openai", "gpt-4o-2024-08-06", "", "azure", "gpt-4o"),
        ("az.ai.inference", "gpt-4o", "", "azure", "gpt-4o"),
        ("openai", "gpt-4o", "my-resource.openai.azure.com", "azure", "gpt-4o"),
        ("gcp.gemini", "models/gemini-2.5-flash", "", "google", "gemini-2.5-flash"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-flash", "", "google", "gemini-2.5-flash"),
        ("gcp.gen_ai", "gemini-2.5-flash", "", "google", "gemini-2.5-flash"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "", "google", "claude-sonnet-4-5"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("anthropic", "claude-sonnet-4-5-20250929-v1:0", "", "aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (
            "bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "aws",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("x_ai", "grok-4", "", "x-ai", "grok-4-0709"),
        ("mistral_ai", "mistral-embed", "", "mistral", "mistral-embed"),
        ("", "gpt-4o-mini-2024-07-18", "", "openai", "gpt-4o-mini"),
        ("litellm", "anthropic/claude-sonnet-4-5", "", "anthropic", "claude-sonnet-4-5"),
        ("openai", "claude-sonnet-4-5", "proxy.internal:4000", "anthropic", "claude-sonnet-4-5"),
        ("openai", "llama-3.3-70b-versatile", "api.groq.com", "groq", "llama-3.3-70b-versatile"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "", "openai", "ft:gpt-4o-mini"),
        ("openai.chat", "gpt-4o-2027-02-03", "", "openai", "gpt-4o"),
        ("openai", "gpt-4o-mini-20240718", "", "openai", "gpt-4o-mini"),
    ],
)  # fmt: skip
def test_names_of_providers_and_models_lead_to_their_price_list(provider, model, server, lists, entry):
    got = cost(provider, model, server=server)
    assert got.price_id.split("/")[2:4] == [lists, entry]
    assert got.source == "computed"
    assert got.total > 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "bad-model-429"), ("ibm.watsonx.ai", "granite-3"), ("ibm.watsonx.ai", "gpt-4o"), ("", "my-own"), ("groq", "gpt-4o"), ("", ""),
     ("openai", "moderation"), ("google", "gemma-3"), ("github-copilot", "gpt-4o")],
)  # fmt: skip
def test_what_the_book_does_not_price_is_unpriced_never_a_silent_zero(provider, model):
    got = cost(provider, model)
    assert (got.source, got.total, got.price_id) == ("unpriced", 0, "")


@pytest.mark.parametrize("provider", ["ollama", "vllm", "llama.cpp", "lm_studio", "hosted_vllm"])
def test_local_providers_are_free_and_say_so(provider):
    got = cost(provider, "llama3.2")
    assert (got.source, got.total, got.tier) == ("computed", 0, "free/local")
    assert got.price_id.startswith("free:")


def test_a_tier_that_the_book_does_not_price_is_partial():
    assert cost("openai", "gpt-4o", service_tier="default").source == "computed"
    assert cost("azure", "gpt-4o", service_tier="batch").source == "partial"
    assert cost("openai", "gpt-4.1", service_tier="batch").price_id.endswith("/batch")


@pytest.mark.parametrize("tier", ["batch", "flex", "priority"])
def test_a_priced_tier_differs_from_standard(tier):
    standard, got = cost("openai", "gpt-5"), cost("openai", "gpt-5", service_tier=tier)
    assert got.source == "computed"
    assert got.total != standard.total


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=100, output=10, cache_read=300),
        Usage(input=100, output=10, audio_in=20),
        Usage(input=100, output=10, cache_write=10, cache_write_1h=20),
    ],
)
def test_usage_that_does_not_add_up_or_has_no_rate_is_partial(usage):
    got = cost("anthropic", "claude-sonnet-4-5", usage)
    assert got.source == "partial"
    assert got.total > 0


def test_only_units_without_any_rate_leave_a_call_unpriced():
    assert cost("openai", "gpt-4o", Usage(images=2)).source == "unpriced"


def test_audio_tokens_are_priced_at_their_own_rate():
    plain, audio = (
        cost("openai", "gpt-4o-mini-transcribe", Usage(input=1000, output=0)),
        cost("openai", "gpt-4o-mini-transcribe", Usage(input=1000, audio_in=900)),
    )
    assert audio.other == Decimal("0.0027")
    assert audio.total > plain.total


def test_a_shortest_audio_call_is_billed_ten_seconds():
    one, ten = (cost("groq", "whisper-large-v3", Usage(audio_seconds=s)) for s in (1.0, 10.0))
    assert one.total == ten.total > 0


def test_the_price_is_that_of_the_calls_own_day():
    dated = next(
        (p.id, m)
        for p in providers
        for m in p.models
        if p.id in ("openai", "anthropic", "google", "mistral") and isinstance(m.prices, list) and m.prices[-1].constraint is not None
    )
    key, model = dated
    start = model.prices[-1].constraint.start_date
    days = [datetime.combine(start + timedelta(days=d), datetime.min.time(), UTC) for d in (-1, 0)]
    before, after = (cost(key, model.id, at=at) for at in days)
    assert before.price_id != after.price_id


def test_prices_by_time_of_day_are_followed():
    hours = {cost("deepseek", "deepseek-chat", at=datetime(2025, 8, 1, h, 45, tzinfo=UTC)).total for h in range(24)}
    assert len(hours) == 2


def test_the_answered_model_rules_and_the_asked_one_is_a_partial_last_resort():
    assert cost("openai", "gpt-4o-mini", model_requested="gpt-4o").price_id.split("/")[3] == "gpt-4o-mini"
    got = cost("openai", "secret-model", model_requested="gpt-4o")
    assert (got.source, got.price_id.split("/")[3]) == ("partial", "gpt-4o")
    assert cost("openai", "", model_requested="gpt-4o").source == "computed"


def test_a_deployment_name_means_what_the_alias_map_says():
    book = PriceBook.load(aliases={"prod-gpt4o-deployment": ModelAlias("gpt-4o", "azure")})
    assert cost("openai", "prod-gpt4o-deployment", book=book).price_id.split("/")[2:4] == ["azure", "gpt-4o"]


def test_contracts_take_a_share_off_every_part_and_are_named():
    book = PriceBook.load(contracts=[Contract(id="2026", provider="openai", discount=Decimal("0.1"), since=date(2026, 1, 1), until=date(2027, 1, 1))])
    usage = Usage(input=1000, output=50, cache_read=100)
    full, less = cost("openai", "gpt-4o", usage), cost("openai", "gpt-4o", usage, book=book)
    assert less.total == full.total * Decimal("0.9")
    assert less.cache_read == full.cache_read * Decimal("0.9")
    assert less.price_id == full.price_id + "+contract:2026"
    assert cost("openai", "gpt-4o", usage, book=book, at=datetime(2025, 12, 31, tzinfo=UTC)).total == full.total
    assert cost("anthropic", "claude-sonnet-4-5", usage, book=book) == cost("anthropic", "claude-sonnet-4-5", usage)


def test_an_override_replaces_what_it_tells_and_keeps_the_rest():
    book = PriceBook.load([PriceOverride(id="o", provider="openai", model="gpt-4o*", rates={"input": Decimal(1)}, tenant="acme")])
    mine, theirs = (cost("openai", "gpt-4o-2024-08-06", book=book, tenant=t) for t in ("acme", "other"))
    assert mine.input == Decimal("0.001")
    assert mine.output == theirs.output
    assert theirs == cost("openai", "gpt-4o-2024-08-06")
    assert mine.price_id.endswith("+override:o")


def test_an_override_prices_what_the_book_does_not_know():
    book = PriceBook.load([PriceOverride(model="my-*", rates={"input": Decimal(2), "output": Decimal(4), "image": Decimal("0.04")})])
    assert cost("ibm.watsonx.ai", "my-model", book=book).total == Decimal("0.0022")
    assert cost("", "my-painter", Usage(images=3), book=book).total == Decimal("0.12")


def test_own_gpus_cost_their_hours():
    gpu = GpuPrice(
        model="llama*",
        gpu_hour_usd=Decimal(4),
        gpus=2,
        input_tokens_per_s=Decimal(5000),
        output_tokens_per_s=Decimal(1000),
        utilisation=Decimal("0.5"),
    )
    got = cost("vllm", "llama-3.3-70b", Usage(input=18_000_000, output=0), book=PriceBook.load(gpu=[gpu]))
    assert abs(got.total - 16) < Decimal("1e-6")  # 18 M prompt tokens are one full hour at half use: two GPUs for two hours at 4 USD
    assert (got.tier, got.price_id) == ("free/local", "gpu:llama*")


def test_tiers_follow_rules_then_local_then_price():
    assert BOOK.tier("openai", "gpt-4o-mini", AT) == "standard"
    assert BOOK.tier("anthropic", "claude-sonnet-4-5", AT) == "premium"
    assert BOOK.tier("ollama", "llama3.2", AT) == "free/local"
    book = PriceBook.load(tiers=TierRules(rules=(TierRule("standard", {"model": ("claude*",)}),)))
    assert book.tier("anthropic", "claude-sonnet-4-5", AT) == "standard"


names = st.sampled_from([*LISTED, ("ollama", "x"), ("nobody", "y"), ("", "gpt-4o"), ("openai", "gpt-4o")])
books = st.sampled_from(
    [BOOK, PriceBook.load([PriceOverride(model="gpt*", rates={"input": Decimal("1.2345678")})], [Contract(discount=Decimal("0.07"))])]
)


@settings(max_examples=75, deadline=None)
@given(
    books,
    st.lists(st.tuples(names, usages(300_000), st.integers(1_700_000_000, 1_800_000_000), st.sampled_from(["", "batch"])), min_size=1, max_size=12),
)
def test_columns_cost_what_single_calls_cost(book, rows):
    frame = pl.DataFrame(
        {
            "provider": [r[0][0] for r in rows], "model": [r[0][1] for r in rows], "ts_us": [r[2] * 1_000_000 for r in rows],
            "service_tier": [r[3] for r in rows], "tokens_in": [r[1].input for r in rows], "tokens_out": [r[1].output for r in rows],
            "tokens_cache_read": [r[1].cache_read or 0 for r in rows], "tokens_cache_write": [r[1].cache_write or 0 for r in rows],
            "tokens_cache_write_1h": [r[1].cache_write_1h or 0 for r in rows], "tokens_reasoning": [r[1].reasoning or 0 for r in rows],
        }
    )  # fmt: skip
    got = price_columns(book, frame).rows(named=True)
    for row, ((provider, model), usage, at, tier) in zip(got, rows, strict=True):
        one = book.price(provider=provider, model=model, at=datetime.fromtimestamp(at, UTC), usage=usage, service_tier=tier)
        assert row == {
            "cost_estimate_usd": one.total, "cost_in_usd": one.input, "cost_cache_read_usd": one.cache_read, "cost_cache_write_usd": one.cache_write,
            "cost_out_usd": one.output, "cost_other_usd": one.other, "cost_source": one.source, "price_id": one.price_id, "model_tier": one.tier,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"), ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929-v1:0"),
        ("anthropic/claude-sonnet-4-5", "claude-sonnet-4-5@20250929"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
    ],
)  # fmt: skip
def test_names_of_one_model_compare_equal_without_date_region_and_path(one, other):
    assert stripped(one) == stripped(other)


def test_names_of_different_models_stay_different():
    names = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "o4-mini", "o3-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-flash", "gemini-2.5-pro"]
    assert len({stripped(n) for n in names}) == len(names)
