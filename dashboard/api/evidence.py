"""``GET evidence/{alert_id}``: what an alert was about, as a zip archive for whoever has to explain it later."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from dashboard.api import answers
from dashboard.api.alerting import plain
from dashboard.api.inputs import SeesAlerts, Shared
from dashboard.incidents import policy_in_force
from spanledger.errors import NotFound
from spanledger.policy import Policy
from warehouse import alerting, audit_log
from warehouse import evidence as gathered

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from warehouse.alerting import Alert

router = APIRouter(tags=["alerts"])

_KEPT = timedelta(days=800)  # of alerts


@router.get("/evidence/{alert_id}", summary="What an alert was about", response_class=Response)
def evidence(
    who: SeesAlerts, shared: Shared, alert_id: str, calls: Annotated[int, Query(ge=1, le=1000, description="How many of the latest calls")] = 50
) -> Response:
    """A zip archive: `alert.json`, `told.json` (who was told, who took it on), `rule.json`, `calls.csv`, `texts.jsonl` (redacted).

    Texts only for who may read them. Reading stands in the audit log.
    """
    now = datetime.now(UTC)
    found = shared.connections.ask(who, lambda client: alerting.alerts(client, since=now - _KEPT, teams=who.teams or None))
    alert = next((one for one in found if one.id == alert_id), None)
    if alert is None:
        raise NotFound(f"there is no alert {alert_id}")
    policy = policy_in_force(shared)
    about = gathered.about(policy, alert, now)
    teams = who.teams or None
    rows = shared.connections.ask(who, lambda client: gathered.calls(client, alert, about, shared.tenant_hash, limit=calls, teams=teams))
    texts = shared.connections.texts_of(who, rows["trace_id"].unique().to_list(), calls=rows.height) if who.may("content") else None
    taken = shared.connections.checked(lambda client: alerting.acknowledgements(client, [alert_id]).get(alert_id))
    notices = shared.connections.checked(lambda client: [one for one in alerting.notices(client, since=alert.pending_at) if alert_id in one.told])
    told = [{"receiver": n.receiver, "reason": n.reason, "state": n.state, "at": n.at, "error": n.error, "told": n.told[alert_id]} for n in notices]

    def note(client: Client) -> None:
        audit_log.append(client, actor=who.name, action="evidence_read", subject=f"alert:{alert_id}", detail={"calls": rows.height})

    shared.connections.write(note)
    files = {
        "alert.json": _json(plain(alert, taken)),
        "told.json": _json({"notices": told, "since": about.since, "until": about.until}),
        "rule.json": _json(_rule(policy, alert)),
        "calls.csv": _text_columns(rows).write_csv().encode(),
        **({"texts.jsonl": b"".join(_json(row) + b"\n" for row in answers.rows(texts))} if texts is not None else {}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return Response(packed.getvalue(), media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="alert-{alert.id}.zip"'})


def _rule(policy: Policy, alert: Alert) -> Any:
    """The rule or budget as the policy has it now, secrets masked; null where it is gone."""
    named = [*policy.alerts.rules, *policy.budgets]
    return next((json.loads(one.model_dump_json(exclude_defaults=True)) for one in named if one.name == alert.rule), None)


def _json(told: Any) -> bytes:
    return msgspec.json.encode(told)


def _text_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """Only columns that a table of text can hold: lists and maps are left out."""
    return rows.select([name for name, kind in rows.schema.items() if not kind.is_nested()])
