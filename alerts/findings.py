"""What a rule or a budget says of one label set at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

ALERTNAME = "alertname"


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition and whether it holds.

    Attributes:
        labels: what the alert is about, without its name: ``app_id``, ``team``, …
        team: whose rows it is about; "" for more than one team's.
        holds: ``None``: too little is known to say.
        value, bound: what was found, and the limit it is held against, in ``summary``'s units.
        hold: how long the condition must hold before it fires; ``keep``: how long it must be gone before it resolves.
        until: it may come up once before this moment. ``stays``: having held once, it goes on until then.
    """

    rule: str
    kind: str
    severity: str
    labels: Mapping[str, str]
    holds: bool | None
    value: float
    bound: float
    summary: str
    team: str = ""
    receivers: tuple[str, ...] = ()
    hold: timedelta = timedelta(0)
    keep: timedelta = timedelta(0)
    until: datetime | None = None
    stays: bool = False
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(self.rule, self.labels))


def fingerprint(rule: str, labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits, equal for equal rules and label sets."""
    told = "\0".join([rule, *(f"{name}\1{value}" for name, value in sorted(labels.items()))])
    return blake2b(told.encode("utf8", "surrogatepass"), digest_size=8).hexdigest()
