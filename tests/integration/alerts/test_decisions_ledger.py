"""What decisions are made of is what the ledger says, counted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from clickhouse_connect.driver.client import Client

from dashboard.decisions.book import Asked, Book
from dashboard.decisions.following import Follower
from spanledger.errors import WarehouseUnavailable
from spanledger.policy import Budget, parse_policy
from warehouse import quotas, stored_budgets
from warehouse.quotas import Used

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Ledger

NOW = datetime(2026, 11, 23, 12, 10, tzinfo=UTC)
POLICY = """
budgets:
  - {name: growth, match: {team: growth}, limit_usd: 1000}
  - {name: wild, match: {app: 'sh*', model: [m, n]}, limit_usd: 1000, period: day}
  - {name: tenant, match: {tenant: acme}, limit_usd: 1000, period: year}
  - {name: nobody, match: {team: nobody}, limit_usd: 1000}
quotas:
  - {name: sliding, window: 1h, requests: 1000}
  - {name: people, per: user, period: hour, tokens: 1000}
  - {name: everybody, per: all, window: 30d, cost_usd: 10000}
  - {name: v2, match: {prompt_version: v2}, per: team, period: month, requests: 1000}
"""


@pytest.fixture
def follower(client: Client) -> Callable[..., tuple[Book, Follower]]:
    def make(policy: str = POLICY) -> tuple[Book, Follower]:
        book, told = Book(lambda tenant: f"hash-{tenant}"), parse_policy(policy)
        return book, Follower(book, lambda question: question(client), lambda: told, lambda tenant: f"hash-{tenant}")

    return make


def asked(users: tuple[str, ...] = (), *, want: Used = Used(1), hold: int = 0, trace: str = "", **more: str) -> Asked:  # noqa: B008  a tuple
    labels = {"app_id": "shop", "team": "growth", "tenant_hash": "hash-acme", "model": "m", "prompt_version": "v2", **more}
    return Asked(labels, users, want, timedelta(seconds=hold) if hold else None, trace)


def used(book: Book, now: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {one.limit.meter.name: one.used for one in book.decide(asked(("u",), **more), now).standings}


def test_limits_count_what_the_ledger_has_of_their_calls_and_window(follower: Callable[..., tuple[Book, Follower]], ledger: Ledger) -> None:
    ledger.add(3, NOW - timedelta(minutes=1), usd="1", tenant_hash="hash-acme", user_hash="u", tokens_in=10, tokens_out=5, prompt_version="v2")
    ledger.add(5, NOW - timedelta(minutes=20), usd="1", user_hash="u", tokens_in=100)  # last hour
    ledger.add(7, NOW - timedelta(days=2), usd="1", app="shoe", model="n")
    ledger.add(11, NOW - timedelta(days=40), usd="1", tenant_hash="hash-acme")
    ledger.add(13, NOW, usd="1", app="other", team="search", user_hash="v", model="x")
    book, following = follower()
    following.look(NOW)
    assert used(book) == {
        "growth": Decimal(15), "wild": Decimal(8), "tenant": Decimal(14),
        "sliding": 8, "people": 45, "everybody": Decimal(28), "v2": 3,
    }  # fmt: skip
    assert used(book, team="search", app_id="other", model="x", prompt_version="", tenant_hash="") == {
        "sliding": 13, "people": 45, "everybody": Decimal(28)
    }  # fmt: skip


def test_the_next_look_sees_what_has_come_late_and_what_has_left_the_window(follower: Callable[..., tuple[Book, Follower]], ledger: Ledger) -> None:
    ledger.add(10, NOW - timedelta(minutes=59))
    book, following = follower()
    following.look(NOW)
    assert used(book)["sliding"] == 10
    ledger.add(2, NOW - timedelta(minutes=30))  # told late
    later = NOW + timedelta(minutes=2)
    following.look(later)
    assert used(book, later)["sliding"] == 2


def test_budgets_that_people_set_decide_and_are_forgotten_when_removed(
    follower: Callable[..., tuple[Book, Follower]], ledger: Ledger, client: Client
) -> None:
    ledger.add(10, NOW, usd="1")
    book, following = follower("")
    strict = Budget(name="strict", limit_usd=Decimal(5), on_exceeded="deny")
    stored_budgets.write(client, strict, actor="cfo", tenant_hash=str)
    following.look(NOW)
    assert book.decide(asked(), NOW).answer == "deny"
    stored_budgets.remove(client, strict, actor="cfo", tenant_hash=str)
    following.look(NOW + timedelta(seconds=10))
    assert book.decide(asked(), NOW + timedelta(seconds=10)).answer == "allow"


def test_a_reserved_call_is_counted_once_before_and_after_it_is_posted(
    follower: Callable[..., tuple[Book, Follower]], ledger: Ledger, client: Client
) -> None:
    book, following = follower("quotas: [{name: q, requests: 100, window: 1h}]")
    following.look(NOW)

    def counted(at: datetime) -> tuple[Any, Any]:
        (one,) = book.decide(asked(), at).standings
        return one.used, one.held

    trace = "ab" * 16
    ledger.add(1, NOW - timedelta(minutes=5), trace=trace)  # an earlier call of the same trace
    book.decide(asked(hold=600, trace=trace), NOW)
    book.decide(asked(hold=600, trace=trace), NOW)
    assert counted(NOW) == (0, 2)
    ledger.add(1, NOW + timedelta(seconds=1), trace=trace)
    at = NOW + timedelta(seconds=70)
    following.look(at)
    assert counted(at) == (2, 1)
    following.look(at + timedelta(seconds=70))
    assert counted(at + timedelta(seconds=70)) == (2, 1)


def test_models_have_the_tier_that_their_calls_had(follower: Callable[..., tuple[Book, Follower]], ledger: Ledger) -> None:
    ledger.add(5, NOW, model="gpt-x", model_tier="premium", usd="1")
    book, following = follower("budgets: [{name: dear, match: {model_tier: premium}, limit_usd: 1, on_exceeded: throttle, advised_tier: standard}]")
    following.look(NOW)
    assert book.decide(asked(model="gpt-x"), NOW).answer == "throttle"
    assert book.decide(asked(model="m"), NOW).answer == "allow"


def test_without_the_warehouse_the_file_is_followed_and_figures_grow_old(client: Client, ledger: Ledger) -> None:
    ledger.add(10, NOW, usd="1")
    policy, away = parse_policy("budgets: [{name: b, limit_usd: 1, on_exceeded: deny}]"), False

    def ask(question: Callable[[Client], Any]) -> Any:
        if away:
            raise WarehouseUnavailable("away")
        return question(client)

    book = Book()
    following = Follower(book, ask, lambda: policy, str)
    following.look(NOW)
    away = True
    at = NOW + timedelta(seconds=90)
    with pytest.raises(WarehouseUnavailable):
        following.look(at)
    assert (book.decide(asked(), at).answer, book.decide(asked(), NOW + timedelta(minutes=3)).answer) == ("deny", "allow")
    policy = parse_policy("decisions: {when_unknown: throttle}\nbudgets: [{name: b, limit_usd: 1}]")
    with pytest.raises(WarehouseUnavailable):
        following.look(NOW + timedelta(minutes=3))
    assert book.decide(asked(), NOW + timedelta(minutes=3)).answer == "throttle"


def test_whether_the_journal_waits_to_be_posted_is_told(client: Client) -> None:
    for table in ("spans", "posting_mark"):
        client.command(f"TRUNCATE TABLE spanledger.{table}")
    assert quotas.unposted(client) == (False, 0)
    client.command("INSERT INTO spanledger.spans (ts, batch) VALUES (now64(6), 7)")
    assert quotas.unposted(client)[0]
    client.command("INSERT INTO spanledger.posting_mark (writer, through) VALUES ('w', 7)")
    assert quotas.unposted(client) == (False, 7)
    client.command("TRUNCATE TABLE spanledger.spans")
