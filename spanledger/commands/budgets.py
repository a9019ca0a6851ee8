"""``budgets list``, ``set`` and ``remove``: those of the policy file are read here and changed there."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import typer
from pydantic import ValidationError

from collector.identity import tenant_hasher
from spanledger.commands import output
from spanledger.commands.warehouses import opened
from spanledger.errors import ConfigError
from spanledger.policy import Budget, load_policy
from spanledger.settings import Settings
from warehouse import stored_budgets
from warehouse.budgeting import expected, standings

_COLUMNS = ("name", "about", "period", "limit_usd", "spent_usd", "used", "forecast_usd", "set_by", "set_at")
_LISTS = ("steps", "receivers")


def listed(settings: Settings, form: str) -> None:
    """Print budgets with what the period of now has cost, those of the policy file first."""
    now = datetime.now(UTC)
    policy = load_policy(settings.policy_path, settings.tokens_file)
    hashed = tenant_hasher(settings.data_dir / "keys")
    rows = []
    with opened(settings) as client:
        told, those = expected(client, now), stored_budgets.stored(client)
        setters = {one.budget.name: one for one in those}
        configured = {one.name for one in policy.budgets}
        for budget in stored_budgets.with_stored(policy, those).budgets:
            one = standings(client, budget, hashed, now, told)[-1]
            setter = None if budget.name in configured else setters[budget.name]
            about = " ".join(f"{field}={','.join(values)}" for field, values in budget.match.patterns().items())
            used = None if one.used is None else round(one.used, 4)
            who, when = (setter.actor, setter.at) if setter else ("policy file", None)
            rows.append((budget.name, about, budget.period, budget.limit_usd, one.spent_usd, used, one.forecast_usd, who, when))
    output.write(_COLUMNS, rows, form)


def set_one(settings: Settings, name: str, told: Mapping[str, str], match: Iterable[str]) -> None:
    """Set a budget, or change the one of that name. ``told``: its keys as in the policy file, lists with commas; ``match``: ``field=value``.

    Raises:
        ConfigError: with the field and why; nothing is changed.
    """
    budget = _budget(name, told, match)
    policy = load_policy(settings.policy_path, settings.tokens_file)
    if (problem := stored_budgets.refusal(policy, budget)) is not None:
        raise ConfigError(f"{problem[0]}: {problem[1]}")
    with opened(settings, writing=True) as client:
        known = {one.budget.name: one.budget for one in stored_budgets.stored(client)}
        if name not in known and len(known) >= stored_budgets.MOST:
            raise ConfigError(f"there are {len(known)} budgets: remove one first, or write them into the policy file")
        stored_budgets.write(client, budget, actor=getpass.getuser(), tenant_hash=tenant_hasher(settings.data_dir / "keys"), before=known.get(name))
    typer.echo(f"{'changed' if name in known else 'set'}: {name}")


def remove(settings: Settings, name: str) -> int:
    """Take a budget away; exit code 1 when people have set none of that name."""
    with opened(settings, writing=True) as client:
        budget = next((one.budget for one in stored_budgets.stored(client) if one.budget.name == name), None)
        if budget is None:
            sys.stderr.write(f"no budget {name!r} has been set here (those of the policy file are removed there)\n")
            return 1
        stored_budgets.remove(client, budget, actor=getpass.getuser(), tenant_hash=tenant_hasher(settings.data_dir / "keys"))
    typer.echo(f"removed: {name}")
    return 0


def _budget(name: str, told: Mapping[str, str], match: Iterable[str]) -> Budget:
    if not re.fullmatch(stored_budgets.NAME, name):
        raise ConfigError(f"name: {name!r} is none: letters, digits, spaces and `.:@-_`, up to 100")
    fields: dict[str, list[str]] = {}
    for part in match:
        field, sign, value = part.partition("=")
        if not sign or not value:
            raise ConfigError(f"--match {part}: FIELD=VALUE is wanted, such as team=growth")
        fields.setdefault(field, []).append(value)
    lists = {key: [one.strip() for one in told[key].split(",") if one.strip()] for key in _LISTS}
    try:
        return Budget.model_validate({**told, **lists, "name": name, "match": fields})
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
