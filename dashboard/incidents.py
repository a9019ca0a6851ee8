"""What pages and API share about alerts and budgets: what a caller sees of them, and taking an alert on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dashboard.access import Caller
from dashboard.comments import redacted
from dashboard.context import Context
from spanledger.policy import Policy
from warehouse import alerting, stored_budgets
from warehouse.alerting import Alert
from warehouse.budgeting import Standing, expected, standings, team_of


def budgets_seen(shared: Context, who: Caller, now: datetime) -> list[Standing]:
    """The budgets that a caller may see: those of the policy file in its order, then those that people have set."""
    chosen = [one for one in policy_in_force(shared).budgets if not who.teams or team_of(one) in who.teams]
    told = shared.connections.ask(who, lambda client: expected(client, now)) if chosen else {}
    return [shared.connections.ask(who, lambda client, one=one: standings(client, one, shared.tenant_hash, now, told))[-1] for one in chosen]


def policy_in_force(shared: Context) -> Policy:
    """The policy file with the budgets that people have set."""
    return shared.connections.checked(lambda client: stored_budgets.in_force(client, shared.policy))


def active(shared: Context, who: Caller) -> list[Alert]:
    """Alerts that go on and that ``who`` sees."""
    found = shared.connections.ask(who, lambda client: alerting.alerts(client, since=datetime.now(UTC), teams=who.teams or None))
    return [one for one in found if one.active]


def take_on(shared: Context, who: Caller, taken: Sequence[Alert], comment: str) -> None:
    """Acknowledge, on the record."""
    comment = redacted(shared, comment)
    shared.connections.write(lambda client: alerting.acknowledge(client, taken, actor=who.name, comment=comment))
