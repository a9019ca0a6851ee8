"""Streamlit's entry: runs anew for every session and every click. Page set-up, who is looking, filters, then the page.

Alone in its folder: Streamlit puts the folder first on ``sys.path`` and takes a neighbour called ``pages`` for pages of its own.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import cards, session, theme
from dashboard.pages import PATHS, alerts, calls, data_health, quality, releases, reliability, spend
from dashboard.view import View, choose
from spanledger.errors import SpanledgerError, WarehouseBusy

#: Path → what draws it, its name, its icon.
PAGES = {
    "spend": (spend.show, "Spend", ":material/payments:"),
    "calls": (calls.show, "Calls", ":material/list_alt:"),
    "reliability": (reliability.show, "Reliability", ":material/speed:"),
    "quality": (quality.show, "Quality", ":material/verified:"),
    "releases": (releases.show, "Prompts & releases", ":material/compare_arrows:"),
    "alerts": (alerts.show, "Alerts & budgets", ":material/notifications:"),
    "data-health": (data_health.show, "Data health", ":material/fact_check:"),
}


def main() -> None:
    """Draw the page that the URL names."""
    st.set_page_config("Spanledger", str(theme.ICON), layout="wide", initial_sidebar_state="auto")
    st.logo(str(theme.ICON), size="medium")
    caller = session.who()
    chosen: list[View] = []
    pages = [_page(path, chosen) for path in PATHS]
    page = st.navigation(pages)
    try:
        chosen.append(choose(caller))
        with st.sidebar:
            session.corner(caller)
        page.run()
    except SpanledgerError as exc:
        st.html(cards.empty("The warehouse does not answer yet" if isinstance(exc, WarehouseBusy) else "This could not be shown", str(exc)))
        st.button("Try again", icon=":material/refresh:")


def _page(path: str, chosen: list[View]) -> Any:
    show, title, icon = PAGES[path]
    return st.Page(lambda: show(chosen[0]), title=title, icon=icon, url_path=path, default=path == PATHS[0])


main()
