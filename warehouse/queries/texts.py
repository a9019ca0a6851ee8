"""Questions to the redacted texts: search, a trace's contents, what an agent's tools did. Callers check the role: operator or auditor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from spanledger.errors import NotFound, QueryRefused
from warehouse.queries.ask import Scope, fill, frame
from warehouse.queries.single import Page, padded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_WORD = re.compile(r"[^\W_]+")  # as the index's tokenizer: runs of letters and digits


def search(client: Client, scope: Scope, text: str, *, limit: int = 50) -> Page:
    """Spans whose prompt or response holds all words of ``text`` (any order, whole words, any case), newest first.

    Rows: the columns of a list of calls, ``matched_span_id``, ``prompt_excerpt``, ``response_excerpt``. One page, no cursor; the newest
    1,000 matches are looked at.

    Raises:
        QueryRefused: no word in ``text``.
    """
    words = sorted({word.lower() for word in _WORD.findall(text)}, key=len, reverse=True)
    if not words:
        raise QueryRefused("nothing to search for: give at least one word")
    params = scope.params | {"words": words, "first": words[0], "rows": limit, "candidates": max(1_000, limit)}
    return Page(frame(client, fill("search", {"where": scope.where}), params), "")


def trace_contents(client: Client, trace_id: str, *, teams: Sequence[str] | None = None) -> pl.DataFrame:
    """Redacted texts of a trace: ``span_id``, ``kind``, ``prompt``, ``response``, ``context`` (documents), ``extra`` (map by name).

    Raises:
        NotFound: the asker may not see this trace.
    """
    scope = Scope.ever(teams)
    params = scope.params | {"trace": padded(trace_id, 32)}
    if teams is not None and not frame(client, fill("trace_visible", {"where": scope.where}), params)["entries"][0]:
        raise NotFound(f"no trace {trace_id}")
    return frame(client, fill("trace_contents", {}), params)


def tool_audit(client: Client, scope: Scope, *, limit: int = 500, with_text: bool = False) -> pl.DataFrame:
    """What agents' tools did, in order of time: name, status, duration, caller; with parameters and output if ``with_text``.

    Narrow it to a session with ``Filters(session=(hash,))``. Of the latest ``limit`` tool calls.
    """
    return frame(client, fill("tool_audit", {"where": scope.where}), scope.params | {"rows": limit, "texts": int(with_text)})
