"""Where a ``match`` of the policy points: patterns against labels, and as filters of a question to the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from spanledger.policy.base import Match
from warehouse import queries
from warehouse.queries import Filters, Scope

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

#: Field of a match → dimension of the ledger.
COLUMNS: Mapping[str, str] = {"app": "app_id", "tenant": "tenant_hash"}
_FILTERS = {"model_tier": "tier"}
_NOWHERE = "\0"  # no value is this

Hash = Callable[[str], str]


def matches(patterns: Mapping[str, Sequence[str]], labels: Mapping[str, str], tenant_hash: Hash) -> bool:
    """Whether labels are what every pattern asks for; a label that is not there is ""."""

    def fits(name: str, wanted: Sequence[str]) -> bool:
        label = labels.get(COLUMNS.get(name, name), "")
        return any(label == tenant_hash(one) if name == "tenant" else fnmatchcase(label, one) for one in wanted)

    return all(fits(name, wanted) for name, wanted in patterns.items())


def sole(match: Match, field: str) -> str:
    """The one value that a match asks for in a field; "" for several, a wildcard or none."""
    told = match.patterns().get(field, [])
    return told[0] if len(told) == 1 and not _is_wild(told[0]) else ""


def filters(client: Client, match: Match, scope: Scope, tenant_hash: Hash) -> Filters:
    """What a match means in this window: names as they are, wildcards as the values that they fit there."""
    told = match.patterns()
    wild = [name for name, patterns in told.items() if name != "tenant" and any(_is_wild(one) for one in patterns)]
    there: dict[str, list[str]] = {name: [] for name in wild}
    if wild:
        for row in queries.dimensions(client, scope, names=wild).iter_rows(named=True):
            there[row["dimension"]].append(row["value"])
    chosen = {name: _values(patterns, there.get(name), tenant_hash if name == "tenant" else None) for name, patterns in told.items()}
    return Filters(**{_FILTERS.get(name, name): values or (_NOWHERE,) for name, values in chosen.items()})


def _values(patterns: Sequence[str], there: Sequence[str] | None, hashed: Hash | None) -> tuple[str, ...]:
    if hashed is not None:
        return tuple(hashed(one) for one in patterns)
    if there is None:
        return tuple(patterns)
    return tuple(value for value in there if any(fnmatchcase(value, one) for one in patterns))


def _is_wild(pattern: str) -> bool:
    return any(c in pattern for c in "*?[")
