"""What receivers are sent, as their makers document it; secrets stay out of errors."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from alerts.delivery import NotDelivered, pause, send
from alerts.messages import SIGNATURE, Incident, mail_of, requests_of
from spanledger.policy import Receiver
from warehouse.alerting import Alert

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def alert(**more: Any) -> Alert:
    told: dict[str, Any] = {
        "id": "a1", "fingerprint": "f1", "rule": "failing", "kind": "threshold", "severity": "critical", "labels": {"app_id": "shop", "route": ""},
        "team": "growth", "state": "firing", "value": 0.1, "bound": 0.05, "summary": "shop: error rate 10 % <all> & more", "receivers": (),
        "pending_at": T0, "held_at": T0, "firing_at": T0,
    }  # fmt: skip
    return Alert(**{**told, **more})


def incident(*alerts: Alert, reason: str = "firing", web: str = "https://ledger.example") -> Incident:
    return Incident("n1", "alertname=failing, app_id=shop", reason, alerts or (alert(),), T0, web)


def receiver(kind: str, **more: Any) -> Receiver:
    return Receiver.model_validate({"name": "r", "kind": kind, "url": "https://hooks.example/T0/sekret", **more})


def body(kind: str, about: Incident, **more: Any) -> Any:
    return json.loads(requests_of(receiver(kind, **more), about)[0].body)


def test_a_webhook_is_signed_and_says_which_message_it_is() -> None:
    made = requests_of(receiver("webhook", secret="k", headers={"X-Team": "ops"}), incident())[0]
    t, v1 = (part.split("=")[1] for part in made.headers[SIGNATURE].split(","))
    assert hmac.new(b"k", t.encode() + b"." + made.body, hashlib.sha256).hexdigest() == v1
    assert (made.headers["Idempotency-Key"], made.headers["X-Team"]) == ("n1", "ops")
    told = json.loads(made.body)
    assert (told["status"], told["reason"], told["alerts"][0]["url"]) == ("firing", "firing", "https://ledger.example/alerts?alert=a1")
    assert told["alerts"][0]["labels"] == {"app_id": "shop", "route": ""}


def test_pagerduty_gets_one_event_an_alert_with_a_key_that_stays() -> None:
    ended = alert(id="a2", state="resolved", resolved_at=T0 + timedelta(minutes=5))
    first, second = (json.loads(r.body) for r in requests_of(receiver("pagerduty", secret="route", url=None), incident(alert(), ended)))
    assert (first["event_action"], first["dedup_key"], first["routing_key"]) == ("trigger", "spanledger-a1", "route")
    assert first["payload"]["severity"] == "critical"
    assert {"summary", "source", "severity", "timestamp"} <= set(first["payload"])
    assert (second["event_action"], second["dedup_key"], "payload" in second) == ("resolve", "spanledger-a2", False)


def test_slack_gets_blocks_within_its_limits_and_nothing_that_it_would_read_as_markup() -> None:
    told = body("slack", incident(*(alert(id=str(i), summary="<!channel> " + "x" * 200) for i in range(40))))
    section = told["blocks"][1]["text"]["text"]
    assert len(told["blocks"][0]["text"]["text"]) <= 150
    assert len(section) <= 3000
    assert "<!channel>" not in section
    assert "&lt;!channel&gt;" in section
    assert ":white_check_mark:" in body("slack", incident(alert(state="resolved", resolved_at=T0)))["blocks"][1]["text"]["text"]


def test_alertmanager_gets_labels_that_identify_and_an_end_that_says_whether_it_goes_on() -> None:
    (one,) = body("alertmanager", incident())
    assert one["labels"] == {"alertname": "failing", "severity": "critical", "app_id": "shop"}
    assert one["endsAt"] > "2026-11-24"
    assert body("alertmanager", incident(alert(state="resolved", resolved_at=T0)))[0]["endsAt"] == "2026-11-23T09:00:00.000Z"
    assert requests_of(receiver("alertmanager", url="http://am:9093/"), incident())[0].url == "http://am:9093/api/v2/alerts"


def test_a_mail_is_plain_text_with_one_line_for_a_subject() -> None:
    mail = mail_of(receiver("email", url=None, to=["a@x.org", "b@x.org"], smtp="mx:25"), incident(alert(summary="two\nlines: Bcc: x@y")))
    assert mail["Subject"] == "[Spanledger] two lines: Bcc: x@y"
    assert mail["To"] == "a@x.org, b@x.org"
    assert "CRITICAL firing: two" in mail.get_content()


def test_titles_say_what_is_new() -> None:
    assert incident(reason="repeat").title.startswith("Still: ")
    assert incident(alert(), alert(id="2")).title.endswith("(and 1 more)")
    assert incident(alert(state="resolved", resolved_at=T0)).title.startswith("Resolved: ")


@pytest.mark.parametrize("answer", [302, 404, 503])
def test_whatever_is_no_success_is_told_without_the_address(answer: int) -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(answer))) as client, pytest.raises(NotDelivered) as told:
        send(receiver("slack"), incident(), client)
    assert str(told.value) == f"answered {answer}"


def test_a_receiver_that_cannot_be_reached_is_told_without_the_address() -> None:
    with httpx.Client() as client:
        for kind in ("slack", "webhook", "alertmanager"):
            with pytest.raises(NotDelivered) as told:
                send(receiver(kind, url="http://127.0.0.1:1/sekret"), incident(), client)
            assert "sekret" not in f"{told.value} {told.value.__cause__}"
        with pytest.raises(NotDelivered):
            send(receiver("email", url=None, to=["a@x.org"], smtp="127.0.0.1:1"), incident(), client)


def test_pauses_grow_to_ten_minutes() -> None:
    assert [pause(n).total_seconds() for n in (1, 2, 3, 7, 50)] == [10, 20, 40, 600, 600]
