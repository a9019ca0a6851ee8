"""May this app spend? Limits, and the book that holds them, without any warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.decisions.book import Asked, Book, Decision
from dashboard.decisions.limits import ANSWERS, Known
from spanledger.policy import Policy, parse_policy
from spanledger.policy.periods import bounds
from warehouse.quotas import Usage, Used

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
BUDGET = "budgets: [{name: b, match: {team: growth}, limit_usd: 100, on_exceeded: deny, advised_tier: standard}]"
QUOTA = "quotas: [{name: q, per: user, window: 1h, requests: 10, tokens: 1000, action: throttle}]"


def asked(*, usd: str = "0", tokens: int = 0, users: tuple[str, ...] = ("u",), hold: int = 0, trace: str = "", **labels: Any) -> Asked:
    told = {"app_id": "shop", "team": "growth", "tenant_hash": "hash-acme", "env": "", "model": "", "model_tier": "", **labels}
    return Asked(told, users, Used(1, tokens, Decimal(usd)), timedelta(seconds=hold) if hold else None, trace)


def book(policy: str | Policy, used: Mapping[str, Mapping[str, Used]] | None = None, at: datetime = NOW) -> Book:
    """A book in which each limit has these figures, read at ``at``."""
    made = Book(lambda tenant: f"hash-{tenant}")
    meters = made.take(parse_policy(policy) if isinstance(policy, str) else policy, complete=True)
    read = {}
    for meter in meters:
        since, until = (at - meter.window, None) if meter.window else bounds(meter.period, at)
        read[meter.key] = Known(at, since, until, Usage((used or {}).get(meter.name, {})))
    made.learn(read, {})
    return made


def spent(usd: str) -> dict[str, dict[str, Used]]:
    return {"b": {"": Used(1, 1, Decimal(usd))}}


@pytest.mark.parametrize(
    ("usd", "more", "answer", "left"),
    [
        ("0", "0", "allow", "100"),
        ("79.99", "0", "allow", "20.01"),
        ("80", "0", "warn", "20"),  # the second step
        ("99.999999999", "0", "warn", "0.000000001"),
        ("99", "1", "warn", "1"),
        ("99", "1.000000001", "deny", "1"),  # does not fit any more
        ("100", "0", "deny", "0"),
        ("250", "0", "deny", "0"),
    ],
)
def test_a_budget_answers_by_what_is_spent_and_what_the_call_will_cost(usd: str, more: str, answer: str, left: str) -> None:
    made = book(BUDGET, spent(usd)).decide(asked(usd=more), NOW)
    (told,) = made.standings
    assert (made.answer, told.remaining, made.known) == (answer, Decimal(left), True)
    assert told.resets_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_nobody_limits_what_fits_no_limit() -> None:
    made = book(BUDGET, spent("500")).decide(asked(team="search"), NOW)
    assert (made.answer, made.by, made.standings) == ("allow", None, [])


@pytest.mark.parametrize(
    ("match", "labels", "fits"),
    [
        ("{app: 'sh*'}", {}, True),
        ("{app: other}", {}, False),
        ("{tenant: acme}", {}, True),
        ("{tenant: other}", {}, False),
        ("{env: prod}", {}, False),  # not told
        ("{model_tier: premium}", {"model_tier": "premium"}, True),
        ("{model_tier: premium}", {"model": "gpt-5-mini"}, True),  # by the policy's rule
        ("{model_tier: premium}", {"model": "seen"}, True),  # as its calls had
        ("{model_tier: premium}", {"model": "unknown"}, False),
    ],
)
def test_limits_narrow_by_what_the_call_will_have(match: str, labels: dict[str, Any], fits: bool) -> None:
    policy = BUDGET.replace("{team: growth}", match) + "\ntiers: {rules: [{tier: premium, match: {model: 'gpt-5*'}}]}"
    made = book(policy, spent("500"))
    made.see_tiers({"seen": "premium"})
    assert (made.decide(asked(**labels), NOW).answer == "deny") is fits


@pytest.mark.parametrize(
    ("used", "want", "answer", "measure"),
    [
        (Used(7, 0), {}, "allow", None),
        (Used(8, 0), {}, "warn", "requests"),
        (Used(9, 0), {}, "warn", "requests"),
        (Used(10, 0), {}, "throttle", "requests"),
        (Used(1, 900), {"tokens": 100}, "warn", "tokens"),
        (Used(1, 900), {"tokens": 101}, "throttle", "tokens"),
    ],
)
def test_a_quota_counts_requests_tokens_and_money(used: Used, want: dict[str, Any], answer: str, measure: str | None) -> None:
    made = book(QUOTA, {"q": {"u": used}}).decide(asked(**want), NOW)
    assert made.answer == answer
    assert (made.by.limit.measure if made.by is not None and answer != "allow" else None) == measure


def test_a_quota_is_of_each_of_them_and_does_not_apply_to_whom_is_not_told() -> None:
    made = book(QUOTA, {"q": {"u": Used(50)}})
    assert made.decide(asked(users=("v",)), NOW).answer == "allow"
    assert made.decide(asked(users=()), NOW).standings == []
    assert made.decide(asked(users=("old", "u")), NOW).answer == "throttle"  # one person, another key


def test_who_was_not_kept_is_taken_to_have_used_as_much_as_the_largest_of_these() -> None:
    made = book(QUOTA)
    made.learn({("quota", "q"): Known(NOW, NOW - timedelta(hours=1), None, Usage({}, Used(9)))}, {})
    assert made.decide(asked(), NOW).answer == "warn"


@pytest.mark.parametrize(
    ("policy", "at", "reset", "wait"),
    [
        ("quotas: [{name: q, period: minute, requests: 10}]", NOW, NOW + timedelta(minutes=1), 60),
        ("quotas: [{name: q, period: day, requests: 10}]", NOW, datetime(2026, 11, 24, tzinfo=UTC), 41_400),
        ("quotas: [{name: q, window: 1h, requests: 10}]", NOW, NOW + timedelta(hours=1), 360),  # one of ten too many
    ],
)
def test_it_is_said_when_to_ask_again(policy: str, at: datetime, reset: datetime, wait: int) -> None:
    made = book(policy, {"q": {"shop": Used(10)}}).decide(asked(), at)
    assert made.by is not None
    assert (made.answer, made.by.resets_at, made.by.retry_after_s) == ("throttle", reset, wait)


def test_a_new_period_begins_before_it_is_read() -> None:
    made = book("quotas: [{name: q, period: minute, requests: 10}]", {"q": {"shop": Used(10)}}, NOW - timedelta(seconds=5)).decide(asked(), NOW)
    assert (made.answer, made.known) == ("allow", True)


@pytest.mark.parametrize(("when_unknown", "answer"), [("", "allow"), ("when_unknown: deny", "deny"), ("when_unknown: warn", "warn")])
def test_what_is_not_known_is_answered_as_the_policy_says(when_unknown: str, answer: str) -> None:
    policy = f"{BUDGET}\ndecisions: {{{when_unknown}}}"
    old = book(policy, spent("500"), NOW - timedelta(minutes=3)).decide(asked(), NOW)
    assert (old.answer, old.known, old.standings[0].used, old.standings[0].age_s) == (answer, False, None, 180)
    unread = Book()
    unread.take(parse_policy(policy), complete=False)
    made = unread.decide(asked(), NOW)
    assert (made.answer, made.known) == (answer, False)
    assert unread.decide(asked(team="other"), NOW).answer == answer  # budgets that people have set are not known either


def test_the_gravest_decides_and_of_these_the_fullest() -> None:
    policy = """
budgets: [{name: b, limit_usd: 100}, {name: c, limit_usd: 10}]
quotas: [{name: q, requests: 10, action: throttle}]
"""
    used = {"b": {"": Used(1, 0, Decimal(150))}, "c": {"": Used(1, 0, Decimal(90))}, "q": {"shop": Used(3)}}
    made = book(policy, used).decide(asked(), NOW)
    assert made.by is not None
    assert (made.answer, made.by.limit.meter.name) == ("warn", "c")
    made = book(policy, used | {"q": {"shop": Used(10)}}).decide(asked(), NOW)
    assert made.by is not None
    assert (made.answer, made.by.limit.meter.name) == ("throttle", "q")


# -- reservations --------------------------------------------------------------------------------------------------------------------------


def test_what_is_held_counts_until_its_time_is_over() -> None:
    made = book(BUDGET, spent("50"))
    assert made.decide(asked(usd="40", hold=60), NOW).reservation
    refused = made.decide(asked(usd="20", hold=60), NOW)
    assert (refused.answer, refused.reservation, refused.standings[0].held) == ("deny", "", Decimal(40))
    assert made.decide(asked(usd="20"), NOW + timedelta(seconds=59)).answer == "deny"
    assert made.decide(asked(usd="20"), NOW + timedelta(seconds=60)).answer == "allow"


def test_what_is_given_back_counts_no_more_and_only_once() -> None:
    made = book(BUDGET, spent("50"))
    name = made.decide(asked(usd="40", hold=60), NOW).reservation
    assert made.give_back(name)
    assert not made.give_back(name)
    assert made.decide(asked(usd="40"), NOW).answer == "allow"
    made.decide(asked(), NOW + timedelta(hours=1))  # its end comes and finds nothing


def held_of(made: Book, at: datetime = NOW) -> Any:
    return made.decide(asked(), at).standings[0].held


def test_a_reservation_ends_with_its_entry_once_the_figures_hold_it() -> None:
    policy = BUDGET + "\n" + "quotas: [{name: q, window: 30d, requests: 1000}]"
    made = book(policy, spent("50"))
    for _ in range(2):
        made.decide(asked(usd="10", hold=600, trace="aa"), NOW)
    assert made.waiting(10) == (["aa"], NOW)
    budget = Known(NOW, NOW, bounds("month", NOW)[1], Usage({"": Used(1, 1, Decimal(60))}))
    made.learn({("budget", "b"): budget}, {"aa": [NOW - timedelta(hours=1), NOW + timedelta(seconds=1)]})
    standings = made.decide(asked(), NOW).standings
    assert [(one.used, one.held) for one in standings] == [(Decimal(60), Decimal(10)), (0, 2)]  # the quota was not read again yet
    made.learn({("budget", "b"): budget}, {"aa": [NOW - timedelta(hours=1), NOW + timedelta(seconds=1)]})
    assert held_of(made) == Decimal(10)  # the same entry does not end another
    made.learn({("quota", "q"): Known(NOW, NOW, None, Usage({"shop": Used(1)}))}, {})
    assert [one.held for one in made.decide(asked(), NOW).standings] == [Decimal(10), 1]
    made.learn({("budget", "b"): budget}, {"aa": [NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)]})
    assert held_of(made) == 0


@given(
    calls=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from(["keep", "back", "post", "wait"])), max_size=30),
)
def test_when_every_reservation_has_ended_nothing_is_held(calls: list[tuple[int, int, str]]) -> None:
    made, now = book(BUDGET + "\n" + QUOTA), NOW
    for i, (cost, seconds, what) in enumerate(calls):
        now += timedelta(seconds=seconds)
        told = made.decide(asked(usd=str(cost), tokens=cost, hold=30, trace=f"{i % 3}"), now)
        if what == "back":
            made.give_back(told.reservation)
        elif what == "post":
            read = {meter.key: Known(now, now, None, Usage({})) for meter in made.take(parse_policy(BUDGET + "\n" + QUOTA), complete=True)}
            made.learn(read, {f"{i % 3}": [now]})
    later = now + timedelta(seconds=31)
    made.learn({key: Known(later, later, None, Usage({})) for key in (("budget", "b"), ("quota", "q"))}, {})
    assert all(one.held == 0 for one in made.decide(asked(), later).standings)
    assert made.waiting(10) == ([], None)


@given(usd=st.decimals(0, 200, places=3), more=st.decimals(0, 200, places=3), again=st.decimals(0, 50, places=3))
def test_who_wants_or_has_used_more_is_never_answered_more_kindly(usd: Decimal, more: Decimal, again: Decimal) -> None:
    def gravity(told: Decision) -> int:
        return ANSWERS.index(told.answer)

    least = gravity(book(BUDGET, spent(str(usd))).decide(asked(usd=str(more)), NOW))
    assert gravity(book(BUDGET, spent(str(usd))).decide(asked(usd=str(more + again)), NOW)) >= least
    assert gravity(book(BUDGET, spent(str(usd + again))).decide(asked(usd=str(more)), NOW)) >= least


def test_figures_are_kept_over_a_change_of_another_limit_and_forgotten_with_their_own() -> None:
    made = book(BUDGET, spent("500"))
    made.take(parse_policy(BUDGET + "\n" + QUOTA), complete=True)
    assert made.decide(asked(), NOW).answer == "deny"
    made.take(parse_policy(BUDGET.replace("team: growth", "app: shop")), complete=True)
    assert not made.decide(asked(), NOW).known
