"""What the reader chose: window, filters, and what exists to choose from. Kept in the URL, so that a page can be shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboard import windows
from dashboard.access import Caller
from dashboard.asking import KEPT_S, Question, question
from dashboard.context import current
from dashboard.theme import colours
from dashboard.windows import Window
from warehouse import queries
from warehouse.queries import Filters, Scope

#: Filter boxes: URL parameter -> (label, dimension of the ledger).
BOXES = {"team": ("Team", "team"), "app": ("App", "app"), "tier": ("Model tier", "model_tier"), "env": ("Environment", "env")}
FILTER = {"team": "team", "app": "app", "model_tier": "tier", "env": "env"}


@dataclass(frozen=True)
class View:
    """One reader's choice.

    Attributes:
        caller: who looks.
        window: the time shown.
        filters: what rows count.
        known: dimension → every value of the last 90 days, so that colours stay and boxes offer all.
    """

    caller: Caller
    window: Window
    filters: Filters
    known: dict[str, tuple[str, ...]]

    def ask(self, **questions: Question) -> dict[str, Any]:
        """Answers to several questions, asked at once."""
        return current().asker.all(self.caller, **questions)

    def scope(self, *, before: bool = False) -> Scope:
        """What a question is about: this view's window (or the one before it), filters and the caller's teams."""
        window = self.window.previous if before else self.window
        return Scope(window.since, window.until, self.filters, self.caller.teams or None)

    def narrowed(self, **filters: tuple[str, ...]) -> Scope:
        """The scope with further filters (empty ones change nothing)."""
        return replace(self.scope(), filters=replace(self.filters, **{name: values for name, values in filters.items() if values}))

    def about(self, function: Any, *, before: bool = False, scope: Scope | None = None, kept_s: float = KEPT_S, **named: Any) -> Question:
        """A question ``function(client, scope, …)`` about this view, or about ``scope``."""
        return question(function, scope or self.scope(before=before), kept_s=kept_s, **named)

    def days_before(self) -> Question:
        """Spend per day of the window before: what changes are measured against, and whether that window was whole."""
        return self.about(queries.spend_over_time, before=True, grain="day", by=(), kept_s=120)

    def whole_before(self, days: pl.DataFrame) -> bool:
        """Whether the window before has calls from its first day on; otherwise a change would compare with a part of it."""
        if days.is_empty():
            return False
        slack = timedelta(days=1) if self.window.length >= timedelta(days=2) else self.window.length
        first: list[date] = days["day"].sort().head(1).to_list()
        return first[0] <= (self.window.previous.since + slack).date()

    def colours(self, dimension: str, frame: pl.DataFrame) -> dict[str, str]:
        """Colours for the values of ``dimension`` in ``frame``: the same on every page, whatever is filtered."""
        return colours(frame[dimension].unique().to_list(), self.known.get(dimension, ()))


def choose(caller: Caller) -> View:
    """Draw the filter bar and return what it says; unknown values in the URL are dropped by the widgets."""
    frame: pl.DataFrame = current().asker.all(caller, it=dimensions(caller, datetime.now(UTC)))["it"]
    known = {str(name): tuple(part["value"].to_list()) for (name,), part in frame.group_by("dimension")}
    with st.sidebar, st.container(key="choices"):
        name = st.pills("Time (UTC)", [*windows.PRESETS, "custom"], default=windows.DEFAULT, key="since", bind="query-params", required=True)
        window = _custom() if name == "custom" else windows.preset(name, datetime.now(UTC))
        chosen = _chosen(known) if _filtering() else {}
    return View(caller, window, Filters(**chosen), known)


def _filtering() -> bool:
    """Whether to draw the filter boxes: drawn unasked, they cost every page about a tenth of its time. Draws the button that asks for them."""
    if any(st.query_params.get_all(parameter) for parameter in BOXES):
        st.session_state["filtering"] = True
    if not st.session_state.get("filtering"):
        st.button("Filter", icon=":material/filter_alt:", width="stretch", on_click=st.session_state.update, args=({"filtering": True},))
    return bool(st.session_state.get("filtering"))


def _chosen(known: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {}
    for parameter, (label, dimension) in BOXES.items():
        values = sorted(value for value in known.get(dimension, ()) if value)
        chosen[FILTER[dimension]] = tuple(sorted(st.multiselect(label, values, key=parameter, bind="query-params", placeholder="All")))
    return chosen


def _custom() -> Window:
    today = datetime.now(UTC).date()
    picked = st.date_input("Days (UTC)", (today - timedelta(days=6), today), key="days", bind="query-params", max_value=today)
    days = list(picked) or [today]
    first, last = days[0], days[-1]
    return Window(_midnight(first), _midnight(last + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def dimensions(caller: Caller, now: datetime) -> Question:
    """Every value of the dimensions in the last 90 days and tomorrow (clocks differ), most used first."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    scope = Scope(hour - timedelta(days=90), hour + timedelta(days=1), teams=caller.teams or None)
    return question(queries.dimensions, scope, kept_s=60)
