"""Who asks, and how much of the machine each kind of asker may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MIB = 1 << 20

Role = Literal["instance", "admin", "finance", "operator", "auditor", "viewer"]


@dataclass(frozen=True)
class Principal:
    """Somebody who has shown a valid credential.

    Attributes:
        name: for the log; sessions belong to it.
        role: ``instance`` reads and writes everything (the product's own processes); every other role reads.
        teams: rows of these teams only; ``None``: all teams.
    """

    name: str
    role: Role
    teams: tuple[str, ...] | None = None

    @property
    def writes(self) -> bool:
        """Whether statements other than reads are let through."""
        return self.role == "instance"


#: (user, password or bearer token; either may be None) -> who that is, or None.
Authenticator = Callable[[str | None, str | None], Principal | None]


@dataclass(frozen=True)
class Limits:
    """What readers and connections may cost; ``instance`` queries have slots of their own, so that no reader can block them.

    Attributes:
        query_s, query_rows, query_bytes: time, result rows and result bytes of one reader's query.
        memory_bytes: memory of one reader's query, lowered where ``readers`` of them would exceed ``readers_memory_bytes``
            (0: half of the embedded engine's memory; over a server: no such ceiling).
        disk_bytes: temporary data that one reader's query may spill.
        threads: threads of one reader's query.
        readers, readers_each, instance: queries that run at once: of all readers, of one reader, of the instance's own processes.
        queue_s: how long a query waits for a slot before it is told to come back later.
        connections: open sockets; more are told to come back later.
        idle_s, request_s: how long a connection may be silent between requests, and within one.
        sessions_each, session_s, session_max_s: open sessions of one principal, their default and longest life after the last use.
        statement_bytes: longest statement text (inserted rows do not count).
    """

    query_s: float = 60
    query_rows: int = 1_000_000
    query_bytes: int = 512 * MIB
    memory_bytes: int = 1024 * MIB
    readers_memory_bytes: int = 0
    disk_bytes: int = 4096 * MIB
    threads: int = 1
    readers: int = 4
    readers_each: int = 2
    instance: int = 16
    queue_s: float = 10
    connections: int = 256
    idle_s: float = 60
    request_s: float = 300
    sessions_each: int = 64
    session_s: int = 60
    session_max_s: int = 3600
    statement_bytes: int = 16 * MIB

    @property
    def memory_each(self) -> int:
        """Memory of one reader's query, bytes: all readers together stay under ``readers_memory_bytes``."""
        if not self.readers_memory_bytes:
            return self.memory_bytes
        return min(self.memory_bytes, self.readers_memory_bytes // max(1, self.readers))


@dataclass(frozen=True)
class Tls:
    """PEM files for HTTPS."""

    cert: str
    key: str
