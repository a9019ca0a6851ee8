"""The ClickHouse driver, with a memory.

clickhouse-connect 1.12 reads every statement token by token, in Python, to learn whether it may be sent again when a server is busy: 0.2 to
3 ms a question, as long as the engine needs to plan some of them. Our statements are few and come again (values are parameters), so the
answer is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from clickhouse_connect.driver import _backendclient, client

JUDGE = "_query_is_read_only"
_LONGEST = 1 << 14  # characters; a longer text is read each time rather than kept

_Judge = Callable[[str | bytes], bool]


def remembering(judge: _Judge) -> _Judge:
    """The same function of a statement, asked once per text."""
    known = lru_cache(512)(judge)
    return lambda query: known(query) if len(query) <= _LONGEST else judge(query)


def install() -> None:
    """Let the driver remember; nothing happens where it has no such function any more."""
    for module in (client, _backendclient):
        judge = getattr(module, JUDGE, None)
        if judge is not None and judge.__module__ != __name__:
            setattr(module, JUDGE, remembering(judge))
