"""Which matcher answers which trigger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collector.redaction import addresses, contact, keys, secret_tables, secrets, told_secrets
from collector.redaction.matching import Handler, Span
from collector.redaction.numbers import Numbers
from collector.redaction.readings import Readings
from collector.redaction.rules import Rule, Trigger

SPECIAL = ("escape", "messages", "base64", "hex", "dump", "html_table")  # triggers that ask for a view instead of a matcher
_BY_NAME: dict[str, Callable[[Rule], Handler]] = {
    "email": contact.email_handler,
    "spoken_email": contact.spoken_email_handler,
    "spelled_digits": contact.spelled_digits_handler,
    "ipv4": contact.ipv4_handler,
    "ipv6": contact.ipv6_handler,
    "address": addresses.address_handler,
    "assignment": secrets.assignment_handler,
    "said": told_secrets.said_handler,
    "strong": told_secrets.strong_handler,
    "named_default": told_secrets.named_default_handler,
    "named_value": told_secrets.named_value_handler,
    "password_argument": told_secrets.password_argument_handler,
    "authorization": secrets.authorization_handler,
    "url_credential": secrets.url_credential_handler,
    "pem": secrets.pem_handler,
    "random_token": secrets.random_token_handler,
    "secret_table": secret_tables.secret_table_handler,
}


@dataclass(slots=True)
class Table:
    """Matchers by slot; ``slots`` maps a trigger's number to its slot, ``special`` names view triggers.
    ``numbers``: those of clusters of digits, by slot."""

    readings: Readings
    handlers: list[Handler] = field(default_factory=list)
    special: list[str | None] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    numbers: dict[int, Numbers] = field(default_factory=dict)


def _nothing(_b: bytes, to: int, _lo: int, _hi: int, _out: list[Span]) -> int:
    return to


def build(rules: Sequence[Rule], triggers: Sequence[Trigger]) -> Table:
    """One slot per rule (prefix rules: per prefix)."""
    about_numbers = [rule for rule in rules if rule.kind == "number"]
    table = Table(Readings(about_numbers))
    known: dict[tuple[str, int], int] = {}
    for trigger in triggers:
        rule = trigger.rule
        slot = known.get((rule.id, trigger.offset))
        if slot is None:
            slot = known[rule.id, trigger.offset] = len(table.handlers)
            if rule.handler == "number":
                table.numbers[slot] = Numbers(about_numbers, rule, table.readings)
            table.handlers.append(table.numbers[slot].handle if slot in table.numbers else _handler(rule, trigger.offset))
            table.special.append(rule.handler if rule.handler in SPECIAL else None)
        table.slots.append(slot)
    return table


def _handler(rule: Rule, offset: int) -> Handler:
    if rule.kind == "prefix":
        return keys.prefix_handler(rule, offset)
    if rule.kind == "pattern":
        return keys.pattern_handler(rule)
    if rule.handler in SPECIAL:
        return _nothing
    return _BY_NAME[rule.handler](rule)
