"""Alerts move pending → firing → resolved, survive being asked again, and come up once where they may only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.findings import Finding, fingerprint
from alerts.state import SILENT, step
from warehouse.alerting import Alert

T0 = datetime(2026, 11, 2, 9, tzinfo=UTC)
RULES = {"slow": timedelta(minutes=30)}


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def finding(holds: bool | None, **more: object) -> Finding:
    told = {"rule": "slow", "kind": "threshold", "severity": "warning", "labels": {"app_id": "a"}, "value": 2.0, "bound": 1.0, "summary": "slow"}
    return Finding(holds=holds, **{**told, **more})  # type: ignore[arg-type]


class Story:
    """What becomes of one alert as findings come in, one a minute."""

    def __init__(self) -> None:
        self.known: dict[str, Alert] = {}
        self.ids: list[str] = []
        self.at = T0

    def tell(self, *found: Finding, rules: dict[str, timedelta] | None = None) -> str:
        for alert in step(self.known.values(), found, RULES if rules is None else rules, self.at):
            self.known[alert.fingerprint] = alert
            self.ids += [] if alert.id in self.ids else [alert.id]
        self.at += minutes(1)
        return next((a.state for a in self.known.values()), "")


def test_a_condition_that_holds_fires_at_once_and_ends_at_once() -> None:
    story = Story()
    assert [story.tell(finding(h)) for h in (False, True, True, False)] == ["", "firing", "firing", "resolved"]
    alert = next(iter(story.known.values()))
    assert (alert.firing_at, alert.resolved_at) == (T0 + minutes(1), T0 + minutes(3))


def test_it_must_hold_for_as_long_as_the_rule_says() -> None:
    story = Story()
    said = [story.tell(finding(h, hold=minutes(3))) for h in (True, True, False, True, True, True, True)]
    assert said == ["pending", "pending", "lapsed", "pending", "pending", "pending", "firing"]
    assert len(story.ids) == 2


def test_it_must_be_gone_for_as_long_as_the_rule_says() -> None:
    story = Story()
    said = [story.tell(finding(h, keep=minutes(3))) for h in (True, False, False, True, False, False, False)]
    assert said == ["firing", "firing", "firing", "firing", "firing", "firing", "resolved"]
    assert len(story.ids) == 1


def test_what_comes_up_again_is_another_alert_of_the_same_fingerprint() -> None:
    story = Story()
    for holds in (True, False, True):
        story.tell(finding(holds))
    assert len(story.ids) == 2
    assert len(story.known) == 1


def test_too_little_traffic_neither_fires_nor_ends_an_alert_at_once() -> None:
    story = Story()
    assert story.tell(finding(None)) == ""
    assert story.tell(finding(True)) == "firing"
    assert story.tell(finding(None)) == "firing"
    story.at += SILENT
    assert story.tell(finding(None)) == "resolved"


def test_labels_that_are_gone_end_their_alert_when_the_window_has_passed() -> None:
    story = Story()
    story.tell(finding(True))
    assert story.tell() == "firing"
    story.at += minutes(30)
    assert story.tell() == "resolved"


def test_a_rule_that_is_gone_takes_its_alerts_with_it() -> None:
    story = Story()
    story.tell(finding(True))
    assert story.tell(rules={}) == "resolved"


def test_what_may_come_up_once_does_so_once_until_its_period_is_over() -> None:
    story, until = Story(), T0 + minutes(10)
    once = [finding(h, until=until, stays=True) for h in (True, False)]
    assert [story.tell(once[i]) for i in (0, 1, 0)] == ["firing", "firing", "firing"]
    story.at = until
    assert story.tell(once[1]) == "resolved"
    assert story.tell(once[0]) == "resolved"
    assert len(story.ids) == 1


def test_a_forecast_that_is_taken_back_ends_and_does_not_come_up_again() -> None:
    story, until = Story(), T0 + minutes(10)
    said = [story.tell(finding(h, until=until)) for h in (True, False, True, True)]
    assert said == ["firing", "resolved", "resolved", "resolved"]


@given(st.lists(st.sampled_from([True, False, None]), max_size=30), st.integers(0, 4), st.integers(0, 4), st.data())
def test_a_restart_changes_nothing(said: list[bool | None], hold: int, keep: int, data: st.DataObject) -> None:
    """All that is needed is in the rows: an engine that goes on from them does what the first would have done."""
    one, other = Story(), Story()
    for holds in said:
        told = finding(holds, hold=minutes(hold), keep=minutes(keep))
        one.tell(told)
        other.tell(told)
        if data.draw(st.booleans()):
            other.known = {f: replace(a) for f, a in other.known.items()}
    assert one.known == other.known
    assert one.ids == other.ids


def test_labels_in_another_order_are_the_same_alert() -> None:
    assert fingerprint("r", {"a": "1", "b": "2"}) == fingerprint("r", {"b": "2", "a": "1"})
    assert fingerprint("r", {"a": "1"}) != fingerprint("r", {"a": "2"}) != fingerprint("s", {"a": "2"})
