"""The demo is deterministic, tells what it means to tell, and breaks nothing a collector relies on."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from spanledger.demo import texts
from spanledger.demo.fleet import APPS, BY_ID, Moment, busy, model_of, runaway, version_of
from spanledger.demo.history import anchor_of, fill, hours, remember, write_policy
from spanledger.demo.spans import Export
from spanledger.policy import load_policy

ANCHOR = datetime(2026, 11, 21, 10, tzinfo=UTC)


def hour(at, since=None, until=None):
    export = Export()
    fill(at, ANCHOR, 7, export, since or at, until or at + timedelta(hours=1))
    return export


def spans_of(export):
    return [span for r in export.request.resource_spans for s in r.scope_spans for span in s.spans]


def test_the_same_seed_and_start_give_the_same_bytes():
    at = ANCHOR - timedelta(days=3, hours=2)
    assert hour(at).request.SerializeToString() == hour(at).request.SerializeToString()


def test_an_hour_in_parts_is_the_whole_hour():
    at, half = ANCHOR - timedelta(days=2), ANCHOR - timedelta(days=2) + timedelta(minutes=30)
    parts = spans_of(hour(at, at, half)) + spans_of(hour(at, half, at + timedelta(hours=1)))
    assert sorted(s.span_id for s in parts) == sorted(s.span_id for s in spans_of(hour(at)))


def test_span_ids_are_unique_and_parents_are_there():
    spans = [s for n in range(1, 30) for s in spans_of(hour(ANCHOR - timedelta(hours=n)))]
    ids = Counter((s.trace_id, s.span_id) for s in spans)
    assert max(ids.values()) == 1
    assert all((s.trace_id, s.parent_span_id) in ids for s in spans if s.parent_span_id)
    assert all(s.start_time_unix_nano <= s.end_time_unix_nano for s in spans)


def test_there_are_a_dozen_apps_of_five_teams():
    assert len(APPS) >= 12
    assert len({app.team for app in APPS}) == 5


def test_weekends_are_quieter_in_the_office_and_the_month_grows():
    triage = BY_ID["ticket-triage"]
    weekday, saturday = datetime(2026, 11, 18, 11, tzinfo=UTC), datetime(2026, 11, 14, 11, tzinfo=UTC)
    assert busy(triage, Moment.of(saturday, ANCHOR)) < 0.3 * busy(triage, Moment.of(weekday, ANCHOR))
    early = Moment.of(weekday - timedelta(days=21), ANCHOR)
    assert busy(triage, early) < busy(triage, Moment.of(weekday, ANCHOR))


def test_the_month_has_its_launch_swap_versions_and_runaway_loop():
    moments = [Moment.of(at, ANCHOR) for at in hours(ANCHOR)]
    helpdesk = BY_ID["helpdesk-bot"]
    assert len({model_of(helpdesk, m).name for m in moments}) == 2
    assert [v for v, _ in Counter(version_of(helpdesk, m) for m in moments).items()] == ["v7", "v8", "v9"]
    assert 3 <= sum(runaway(m) for m in moments) <= 6


def test_a_right_answer_says_what_its_documents_say_and_a_wrong_one_does_not():
    rnd = Random(1)
    for _ in range(60):
        good = texts.retrieval("help", rnd, bad=False)
        assert len(good.documents) == 3
    rows = texts.corpus()
    assert set(rows) == {"help", "shop", "legal"}
    assert all(len(row) == 4 and row[2] != row[3] for domain in rows.values() for row in domain)


def test_a_question_finds_the_same_documents_whoever_asks_so_that_releases_can_be_compared():
    told = [texts.retrieval("help", Random(seed), bad=seed % 2 == 0) for seed in range(300)]
    assert len({one.documents for one in told}) == len(texts.corpus()["help"])


def test_some_questions_hold_personal_data_so_that_redaction_shows():
    rnd = Random(2)
    told = [texts.retrieval("shop", rnd, bad=False).user for _ in range(300)]
    assert any("@example.com" in text for text in told)
    assert any("4111 1111 1111 1111" in text for text in told)


def test_the_history_of_a_data_directory_is_sent_once(tmp_path):
    anchor, complete = anchor_of(tmp_path, ANCHOR + timedelta(minutes=17))
    assert (anchor, complete) == (ANCHOR, False)
    remember(tmp_path, anchor, complete=True)
    assert anchor_of(tmp_path, ANCHOR + timedelta(days=4)) == (ANCHOR, True)


def test_the_demo_policy_is_valid_and_knows_every_app(tmp_path):
    write_policy(tmp_path / "spanledger.yaml")
    policy = load_policy(tmp_path / "spanledger.yaml")
    assert set(policy.apps) == set(BY_ID)
    assert all(policy.apps[app.id].team == app.team for app in APPS)
