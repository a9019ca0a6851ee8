"""What the whole web process shares: settings, policy, connections. Set once by ``dashboard.web.run``; pages and API read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dashboard import collector_metrics
from dashboard.access import open_to_anyone
from dashboard.asking import Asker
from dashboard.collector_metrics import Sample
from dashboard.connections import Connections
from dashboard.decisions.book import Book
from spanledger.errors import SpanledgerError
from spanledger.policy import Policy, PolicyFile
from spanledger.settings import Settings


@dataclass
class Context:
    """The web process's surroundings.

    Attributes:
        settings: how this installation runs.
        policy_file: what the organisation decided, followed as the file changes.
        connections: the way to the warehouse.
        redact: redacts free text of feedback; None: this process cannot, and stores none.
        tenant_hash: what the ledger has for a tenant's name; user_hashes: what it has and had for a user of a tenant.
        book: what decisions are made of.
        asker: the pages' questions, with short-lived answers.
        started_at: for ``/metrics``.
        requests: (method, route, status) → count, for ``/metrics``.
    """

    settings: Settings
    policy_file: PolicyFile
    connections: Connections
    redact: Callable[[str], str] | None = None
    tenant_hash: Callable[[str], str] = str
    user_hashes: Callable[[str, str], Sequence[str]] = lambda _tenant, user: (user,)
    book: Book = field(init=False)
    asker: Asker = field(init=False)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    requests: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asker = Asker(self.connections)
        self.book = Book(self.tenant_hash)
        self.book.take(self.policy, complete=False)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.policy_file.current

    @property
    def open(self) -> bool:
        """Whether the local user is admin without logging in."""
        return open_to_anyone(self.policy, self.settings.web_host)

    def collector_samples(self) -> list[Sample] | None:
        """The collector's own counters; None where it runs elsewhere or does not answer."""
        if not self.settings.embedded:
            return None
        try:
            return collector_metrics.fetched(self.connections.address("otlp_http"))
        except SpanledgerError:
            return None


_current: Context | None = None


def install(context: Context) -> None:
    """Make ``context`` the process's."""
    global _current
    _current = context


def current() -> Context:
    """The process's context.

    Raises:
        RuntimeError: no web process runs here.
    """
    if _current is None:
        raise RuntimeError("no web process runs here: start it with dashboard.web.run")
    return _current
