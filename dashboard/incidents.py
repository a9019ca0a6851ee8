"""What pages and API share about alerts and budgets: what a caller sees of them, and taking an alert on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard.access import Caller
from dashboard.api.problems import BadInput
from dashboard.context import Context
from warehouse import alerting, audit_log
from warehouse.alerting import Alert
from warehouse.budgeting import Standing, standings, team_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def budgets_seen(shared: Context, who: Caller, now: datetime) -> list[Standing]:
    """The budgets that a caller may see, in the order of the policy file."""
    chosen = [one for one in shared.policy.budgets if not who.teams or team_of(one) in who.teams]
    return [shared.connections.ask(who, lambda client, one=one: standings(client, one, shared.tenant_hash, now))[-1] for one in chosen]


def active(shared: Context, who: Caller) -> list[Alert]:
    """Alerts that go on and that ``who`` sees."""
    found = shared.connections.ask(who, lambda client: alerting.alerts(client, since=datetime.now(UTC), teams=who.teams or None))
    return [one for one in found if one.active]


def take_on(shared: Context, who: Caller, taken: Sequence[Alert], comment: str) -> None:
    """Acknowledge, on the record."""
    comment = redacted(shared, comment)

    def store(client: Client) -> None:
        for one in taken:
            detail = {"rule": one.rule, "labels": dict(one.labels), "summary": one.summary, "comment": comment}
            audit_log.append(client, actor=who.name, action="acknowledgement", subject=f"alert:{one.id}", detail=detail)
        alerting.acknowledge(client, [one.id for one in taken], actor=who.name, comment=comment)

    shared.connections.write(store)


def redacted(shared: Context, comment: str) -> str:
    """A comment as it may be stored. Raises ``BadInput`` where this process cannot redact."""
    if not comment:
        return ""
    if shared.redact is None:
        raise BadInput("comment", "comments cannot be redacted by this process and are not stored")
    return shared.redact(comment)
