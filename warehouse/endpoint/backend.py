"""What answers the statements: the embedded engine, or a ClickHouse server behind us. The protocol both fulfil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """A finished statement: result bytes in the asked format, and what it cost."""

    body: bytes | memoryview = b""
    format: str = ""  # empty: the statement gives no result
    result_rows: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0


class Handle(Protocol):
    """One engine session: its settings, one statement at a time."""

    def run(self, sql: str, fmt: str, params: Mapping[str, str]) -> Answer:
        """Run a statement (without FORMAT clause) to its end. ``params``: server-side parameters as in the HTTP protocol.

        Raises:
            EngineError: the engine refused or aborted it.
        """
        ...

    def stream(self, sql: str, fmt: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """Result bytes as the engine makes them; closing the iterator cancels the query. Same errors, also in the middle."""
        ...

    def insert(self, sql: str, fmt: str, chunks: Iterable[bytes]) -> Answer:
        """``INSERT INTO …`` (no FORMAT clause) with rows in ``fmt``, taken as they come; nothing is kept where ``chunks`` raises."""
        ...

    def close(self) -> None:
        """Let the session go."""
        ...


class Backend(Protocol):
    """Where handles come from."""

    version: str

    def open(self, database: str, settings: Mapping[str, str], *, keep: bool = False) -> Handle:
        """A new session. ``settings`` are set in order: ``readonly`` comes last. ``keep``: SET, USE and temporary tables will be used."""
        ...

    def kill(self, tag: str) -> None:
        """Abort the query of the session opened with ``log_comment = tag``."""
        ...

    def streams(self, fmt: str) -> bool:
        """Whether results in ``fmt`` can be sent as they come."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...
