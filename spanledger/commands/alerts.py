"""``alerts list`` and ``alerts acknowledge``: what is wrong, and who has taken it on."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime

from spanledger.commands import output, windows
from spanledger.commands.comments import redacted
from spanledger.commands.warehouses import opened
from spanledger.settings import Settings
from warehouse import alerting

_COLUMNS = ("id", "state", "severity", "rule", "summary", "since", "ended", "acknowledged_by")


def listed(settings: Settings, since: str, form: str) -> None:
    """Print alerts that go on, and those that ended after ``since``, newest first."""
    after = windows.moment(since, datetime.now(UTC))
    with opened(settings) as client:
        found = alerting.alerts(client, since=after)
        taken = alerting.acknowledgements(client, [one.id for one in found])
    rows = []
    for one in found:
        by = taken[one.id].actor if one.id in taken else ""
        rows.append((one.id, one.state, one.severity, one.rule, one.summary, one.firing_at or one.pending_at, one.resolved_at, by))
    output.write(_COLUMNS, rows, form)


def acknowledge(settings: Settings, ids: list[str], comment: str) -> int:
    """Take alerts on, on the record; exit code 1 when one of them does not go on (then none is taken)."""
    comment = redacted(comment)
    with opened(settings, writing=True) as client:
        active = {one.id: one for one in alerting.alerts(client, since=datetime.now(UTC)) if one.active}
        if unknown := [one for one in ids if one not in active]:
            sys.stderr.write(f"no alert {', '.join(unknown)} goes on\n")
            return 1
        alerting.acknowledge(client, [active[one] for one in ids], actor=getpass.getuser(), comment=comment)
    return 0
