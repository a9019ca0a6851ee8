"""Who looks at the pages: single sign-on where configured, else the session of an API token, else the local admin. Said in the corner."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import cards
from dashboard.access import LOCAL_ADMIN, Caller, person
from dashboard.context import current
from dashboard.login import COOKIE, sessions
from spanledger.errors import AccessDenied


def who() -> Caller:
    """The caller of this browser session; stops the page at a way in until there is one."""
    context = current()
    if context.open:
        return LOCAL_ADMIN
    known = sessions.caller(st.context.cookies.get(COOKIE), context.policy)
    if known is not None:
        return known
    if context.policy.oidc is not None and st.user.is_logged_in:
        claim = st.user.get(context.policy.oidc.groups_claim) or []
        verified = str(st.user.get("email_verified", True)).lower() != "false"
        try:
            return person(str(st.user.get("email", "")), claim if isinstance(claim, list) else [str(claim)], context.policy, verified=verified)
        except AccessDenied as exc:
            st.error(str(exc))
            if st.button("Log out"):
                st.logout()
            st.stop()
    _ways_in()
    st.stop()
    raise AssertionError("st.stop() does not return")


def _ways_in() -> None:
    st.html(cards.head("Spanledger", "log in to see spend and quality"))
    if current().policy.oidc is not None and st.button("Log in with your organisation's account", type="primary"):
        st.login()
    st.html('<a href="/login" target="_self">Log in with an API token</a>')


def corner(caller: Caller) -> None:
    """Who is logged in, and, where nobody had to, that this is so."""
    if caller.anonymous:
        st.html('<div class="sl-who">Local user, role <b>admin</b>: no token is configured, so anyone on this machine may look.</div>')
        return
    scope = f"teams {escape(', '.join(caller.teams))}" if caller.teams else "all teams"
    out = '<a href="/logout" target="_self">Log out</a>'
    single = current().policy.oidc is not None and st.user.is_logged_in
    st.html(f'<div class="sl-who">{escape(caller.name)}, role <b>{escape(caller.role)}</b>, {scope}. {"" if single else out}</div>')
    if single and st.button("Log out", type="tertiary"):
        st.logout()
