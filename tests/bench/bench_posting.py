"""Posting and pricing speed: prints microseconds of CPU per span with machine and versions; never passes or fails.

usage: python tests/bench/bench_posting.py
"""

import os
import platform
import time

import msgspec
import polars as pl

from collector.posting import PostingRules, post, post_singles
from collector.pricing import BOOK_VERSION, price_columns
from spanledger.model import Span, Usage

S = 1_000_000_000
RULES = PostingRules()
CALL = Span(
    project="p", service="shop", trace_id=b"t" * 16, span_id=b"c" * 8, start_ns=1_795_000_000 * S, end_ns=1_795_000_001 * S, kind="llm", role="call",
    usage=Usage(input=1000, output=50, cache_read=768), provider="openai", model="gpt-4o-mini-2024-07-18", model_requested="gpt-4o-mini",
    response_id="chatcmpl-abcdef", scope="client", own={"session": "s"}, inherited={"app": "shop", "team": "t"}, operation="chat", authority=2,
)  # fmt: skip


def numbered(name: int) -> bytes:
    return name.to_bytes(8, "big")


def trace(calls: int) -> list[Span]:
    """A request over an agent with framework calls, client calls inside and tools between."""
    root = msgspec.structs.replace(CALL, span_id=numbered(1), kind="carrier", role="none", usage=None, response_id="")
    agent = msgspec.structs.replace(root, span_id=numbered(2), parent_id=numbered(1), kind="agent", role="aggregate", aggregate_rule="sum")
    agent.usage = Usage(input=1000 * calls, output=50 * calls)
    spans = [root, agent]
    for k in range(calls):
        at = {"start_ns": CALL.start_ns + k * S, "end_ns": CALL.start_ns + k * S + S // 2}
        outer = msgspec.structs.replace(CALL, span_id=numbered(10 * k + 10), parent_id=numbered(2), scope="fw", response_id="", authority=1, **at)
        inner = msgspec.structs.replace(CALL, span_id=numbered(10 * k + 11), parent_id=outer.span_id, response_id=f"chatcmpl-{k:06d}", **at)
        tool = msgspec.structs.replace(root, span_id=numbered(10 * k + 12), parent_id=numbered(2), kind="tool", tool_name="search", **at)
        spans += [outer, inner, tool]
    return spans


def cpu_us(work, times: int, items: int) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - started)
    return best / times / items * 1e6


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, genai-prices {BOOK_VERSION}; CPU microseconds a span")
    lone = [CALL] * 2000
    print(f"lone call spans           {cpu_us(lambda: post_singles(lone, RULES), 10, len(lone)):7.1f}")
    for calls in (1, 5, 50, 1000):
        spans = trace(calls)
        print(f"agent trace, {len(spans):4d} spans   {cpu_us(lambda: post(spans, RULES), max(1, 500 // calls), len(spans)):7.1f}")  # noqa: B023
    n = 100_000
    frame = pl.DataFrame({"ts_us": [1_795_000_000_000_000 + k for k in range(n)], "tokens_in": range(n), "tokens_out": range(n)}).with_columns(
        provider=pl.lit("openai"), model=pl.lit("gpt-4o-mini")
    )
    print(f"price_columns, a call     {cpu_us(lambda: price_columns(RULES.prices, frame), 1, n):7.2f}")


if __name__ == "__main__":
    main()
