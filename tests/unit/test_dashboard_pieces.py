"""Cards, tables, colours, answers: frames and text in, HTML and Plotly out."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from dashboard import cards, figures, theme
from dashboard.asking import Asker, question
from dashboard.cards import Card, Column
from dashboard.collector_metrics import complete, parsed
from dashboard.pages.spend import coverage, csv
from dashboard.windows import Window


def test_text_from_telemetry_cannot_become_html() -> None:
    evil = "<script>alert(1)</script>"
    frame = pl.DataFrame({"app": [evil]})
    parts = [cards.cards([Card(evil, evil, under=evil, hint=evil)]), cards.table(frame, [Column("app", evil)]), cards.empty(evil, evil, evil)]
    assert not any("<script" in html for html in [*parts, cards.facts([(evil, evil)]), cards.text(evil), cards.head(evil, evil, evil)])


def test_a_table_says_its_total_and_names_what_was_not_told() -> None:
    frame = pl.DataFrame({"app": ["", "a"], "cost_usd": [Decimal("1.5"), Decimal("2.25")]})
    columns = [Column("app", "App", cards.named), Column("cost_usd", "Spend", lambda v: f"${v}", number=True, bar=True)]
    html = cards.table(frame, columns, total={"app": "Total", "cost_usd": Decimal("3.75")})
    assert "(not told)" in html
    assert html.index("<tfoot>") < html.index("$3.75")


def test_a_teams_colour_does_not_depend_on_what_is_filtered() -> None:
    known = ("care", "growth", "legal")
    assert theme.colours(["legal"], known)["legal"] == theme.colours(["care", "growth", "legal"], known)["legal"]
    assert theme.colours(["premium"])["premium"] == theme.VIOLET


def test_bars_beyond_the_largest_are_summed_as_other() -> None:
    rows = [(datetime(2026, 11, 1, tzinfo=UTC), f"app{i:02}", Decimal(i)) for i in range(1, 15)]
    frame = pl.DataFrame(rows, schema={"at": pl.Datetime("us", "UTC"), "app": pl.String, "cost_usd": pl.Decimal(38, 9)}, orient="row")
    window = Window(datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC))
    figure = figures.stacked(frame, value="cost_usd", name="app", colours={}, window=window, most=10)
    drawn = {bar.name: sum(bar.y) for bar in figure.data}
    assert drawn["other"] == 1 + 2 + 3 + 4
    assert sum(drawn.values()) == sum(range(1, 15))


def test_a_chart_shows_its_whole_window_and_no_thousandths_of_a_dollar_as_millions() -> None:
    frame = pl.DataFrame({"at": [datetime(2026, 11, 2, tzinfo=UTC)], "app": ["a"], "cost_usd": [Decimal("0.9")]})
    window = Window(datetime(2026, 10, 28, 5, tzinfo=UTC), datetime(2026, 11, 3, 9, tzinfo=UTC))
    figure = figures.stacked(frame, value="cost_usd", name="app", colours={}, window=window)
    assert figure.layout.xaxis.range == (datetime(2026, 10, 27, 12, tzinfo=UTC), datetime(2026, 11, 3, 12, tzinfo=UTC))
    small = [stop.value for stop in figure.layout.yaxis.tickformatstops if stop.dtickrange[0] is None or stop.dtickrange[0] < 1]
    assert small
    assert not any("s" in value for value in small)


def test_a_csv_cell_never_starts_a_formula() -> None:
    frame = pl.DataFrame({"app": ["=HYPERLINK(1)", "ok"], "cost_usd": [Decimal("-1.000000001"), Decimal(0)]})
    text = csv(frame).decode()
    assert "'=HYPERLINK(1)" in text
    assert "-1.000000001" in text


def test_coverage_is_the_share_of_billed_calls_that_are_known() -> None:
    row = {"covered_calls": 9, "billed_calls": 10}
    assert coverage(row) == 0.9
    assert coverage(row | {"billed_calls": 0}) is None


class _Pool:
    """Runs a question at once, counting how often."""

    def __init__(self) -> None:
        self.asked = 0

    def submit(self, caller, one):
        from concurrent.futures import Future

        self.asked += 1
        future = Future()
        try:
            future.set_result(one(None))
        except Exception as exc:
            future.set_exception(exc)
        return future


def test_an_answer_is_shown_again_for_a_while_and_only_to_the_same_scope() -> None:
    from dashboard.access import Caller

    now, pool = [0.0], _Pool()
    asker = Asker(pool, lambda: now[0])
    one, other = Caller("a", "viewer", ("care",)), Caller("b", "viewer", ("growth",))
    answer = question(lambda _client, x: threading.get_ident() and x, 5)
    assert asker.all(one, it=answer)["it"] == asker.all(one, it=answer)["it"] == 5
    assert pool.asked == 1
    asker.all(other, it=answer)
    assert pool.asked == 2
    now[0] = 31
    asker.all(one, it=answer)
    assert pool.asked == 3


def test_a_page_says_up_to_when_its_figures_hold_every_acknowledged_span() -> None:
    def said(behind: str, backlog: str, spool: str) -> str:
        page = f"{behind}\nspanledger_posting_backlog {backlog}\nspanledger_spool_bytes {spool}"
        return complete(list(parsed(page.splitlines())), datetime(2026, 11, 23, 7, 28, 15, tzinfo=UTC))

    assert said("spanledger_ledger_behind_seconds 0.0", "0", "0") == "Complete up to 07:28:15 UTC."
    assert said("spanledger_ledger_behind_seconds 2.5", "4711", "2e6") == "Complete up to 07:28:12 UTC."
    assert said("spanledger_ledger_behind_seconds 0.0", "4711", "0") == "Not complete yet: spans are still being posted."
    assert said("", "0", "0") == ""
