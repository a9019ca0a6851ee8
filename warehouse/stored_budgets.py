"""Budgets that people have set through the API: rows that stand beside those of the policy file and mean the same.

A name of the file (a budget's or a rule's) wins over one that was set before it was written there. The audit log, which nothing leaves, has
tenants by their keyed hashes only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Template
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from spanledger.policy import Budget, Policy
from spanledger.policy.alerting import BUILT_IN
from warehouse import audit_log
from warehouse.budgeting import team_of
from warehouse.journal import warehouse_errors
from warehouse.lifecycle import local
from warehouse.matching import Hash
from warehouse.queries.ask import frame
from warehouse.sqlfiles import sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = structlog.get_logger()

MOST = 1_000
NAME = r"^[\w][\w .:@-]{0,99}$"  # of one that people set
_COLUMNS = ["name", "team", "document", "actor", "at", "ver", "is_deleted"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A budget, who set it last and when."""

    budget: Budget
    actor: str
    at: datetime


def stored(client: Client) -> list[Stored]:
    """All that are set, by name. One that this version does not understand is left out and told of in the log."""
    return list(_understood(frame(client, sql("budgets"), {}).iter_rows(named=True)))


def _understood(rows: Iterator[Mapping[str, Any]]) -> Iterator[Stored]:
    for row in rows:
        try:
            yield Stored(Budget.model_validate_json(row["document"]), row["actor"], row["at"].replace(tzinfo=UTC))
        except ValidationError as exc:
            log.warning("budget_not_understood", budget=row["name"], problems=exc.error_count())


def with_stored(policy: Policy, those: Sequence[Stored]) -> Policy:
    """The policy with the budgets that people have set, as far as their names are free."""
    taken = _taken(policy)
    more = [one.budget for one in those if one.budget.name not in taken]
    return policy.model_copy(update={"budgets": [*policy.budgets, *more]}) if more else policy


def in_force(client: Client, policy: Policy) -> Policy:
    """:func:`with_stored`, asked now."""
    return with_stored(policy, stored(client))


def _taken(policy: Policy) -> set[str]:
    return {one.name for one in policy.budgets} | {one.name for one in policy.alerts.rules} | set(BUILT_IN)


def refusal(policy: Policy, budget: Budget) -> tuple[str, str] | None:
    """Why a budget cannot stand beside this policy file: (field, reason); ``None``: it can. The checks are those of the file itself."""
    if budget.name in {one.name for one in policy.budgets}:
        return "name", f"{budget.name!r} stands in the policy file: change it there"
    if budget.name in _taken(policy):
        return "name", f"{budget.name!r} is a rule's name"
    for where, reason in Policy(budgets=[budget], alerts=policy.alerts).inconsistencies():
        if where[0] == "budgets":
            return ".".join(str(part) for part in where[2:]), reason
    return None


def write(client: Client, budget: Budget, *, actor: str, tenant_hash: Hash, before: Budget | None = None) -> Stored:
    """Set a budget, or change the one with its name, durably and on the record."""
    set_at = datetime.now(UTC)
    detail = {"budget": _on_record(budget, tenant_hash), "before": _on_record(before, tenant_hash) if before is not None else None}
    audit_log.append(client, actor=actor, action="budget_set", subject=f"budget:{budget.name}", detail=detail)
    _insert(client, budget, actor, set_at, is_deleted=0)
    return Stored(budget, actor, set_at)


def remove(client: Client, budget: Budget, *, actor: str, tenant_hash: Hash) -> None:
    """Take a budget away, durably and on the record; its alerts end."""
    detail = {"before": _on_record(budget, tenant_hash)}
    audit_log.append(client, actor=actor, action="budget_removed", subject=f"budget:{budget.name}", detail=detail)
    _insert(client, budget, actor, datetime.now(UTC), is_deleted=1)


def erase(client: Client, tenant: str) -> int:
    """Delete every version of the budgets whose match has named this tenant; one in force that names others too is kept for these.
    Returns how many budgets. The caller writes the audit entry."""
    with warehouse_errors():
        documents = client.query(sql("budgets_ever")).result_rows
    names = sorted({name for name, document in documents if tenant in _tenants(document)})
    if not names:
        return 0
    kept = [one for one in stored(client) if one.budget.name in names]
    with warehouse_errors():
        client.command(Template(sql("erase_budgets")).substitute(table=local(client, "budgets")), parameters={"names": names})
    for one in kept:
        others = [name for name in one.budget.match.patterns().get("tenant", []) if name != tenant]
        if others:
            match = one.budget.match.model_copy(update={"tenant": others})
            _insert(client, one.budget.model_copy(update={"match": match}), one.actor, one.at, is_deleted=0)
    return len(names)


def _tenants(document: str) -> list[str]:
    """The tenants that a budget names, also one of another version."""
    try:
        named = json.loads(document)["match"]["tenant"]
    except (ValueError, KeyError, TypeError):
        return []
    return [named] if isinstance(named, str) else named if isinstance(named, list) else []


def _on_record(budget: Budget, tenant_hash: Hash) -> dict[str, Any]:
    document = budget.model_dump(mode="json")
    document["match"]["tenant"] = [tenant_hash(name) for name in budget.match.patterns().get("tenant", [])]
    return document


def _insert(client: Client, budget: Budget, actor: str, at: datetime, *, is_deleted: int) -> None:
    row = [budget.name, team_of(budget), budget.model_dump_json(), actor, at, time.time_ns(), is_deleted]
    with warehouse_errors():
        client.insert("spanledger.budgets", [row], column_names=_COLUMNS)


__all__ = ["MOST", "NAME", "Stored", "erase", "in_force", "refusal", "remove", "stored", "with_stored", "write"]
