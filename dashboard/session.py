"""Who looks at the pages: single sign-on where configured, else an API token typed in, else the local admin. Said in the corner."""

from __future__ import annotations

import streamlit as st

from dashboard import cards
from dashboard.access import LOCAL_ADMIN, Caller, caller_of, person
from dashboard.context import current
from spanledger.errors import AccessDenied


def who() -> Caller:
    """The caller of this session; stops the page behind a login form until there is one."""
    context = current()
    if context.open:
        return LOCAL_ADMIN
    try:
        if context.policy.oidc is not None and st.user.is_logged_in:
            claim = st.user.get(context.policy.oidc.groups_claim) or []
            return person(str(st.user.email), claim if isinstance(claim, list) else [str(claim)], context.policy)
        if "token" in st.session_state:
            return caller_of(st.session_state["token"], context.policy.tokens)
    except AccessDenied as exc:
        st.error(str(exc))
        st.session_state.pop("token", None)
    _login()
    st.stop()
    raise AssertionError("st.stop() does not return")


def _login() -> None:
    context = current()
    with st.columns([1, 1.2, 1])[1]:
        st.html(f'<div class="sl-brand">{cards.MARK} Spanledger</div>')
        if context.policy.oidc is not None and st.button("Log in with your organisation's account", type="primary"):
            st.login()
        with st.form("login"):
            secret = st.text_input("API token", type="password", help="From your administrator; its role and teams decide what you see.")
            if st.form_submit_button("Log in") and secret:
                try:
                    caller_of(secret.strip(), context.policy.tokens)
                except AccessDenied as exc:
                    st.error(str(exc))
                else:
                    st.session_state["token"] = secret.strip()
                    st.rerun()


def corner(caller: Caller) -> None:
    """Who is logged in, and, where nobody had to, that this is so."""
    if caller.anonymous:
        st.html('<div class="sl-who">Local user, role <b>admin</b>: no token is configured, so anyone on this machine may look.</div>')
        return
    from html import escape

    scope = f" · teams {escape(', '.join(caller.teams))}" if caller.teams else ""
    st.html(f'<div class="sl-who">{escape(caller.name)}, role <b>{escape(caller.role)}</b>{scope}</div>')
    if st.button("Log out", type="tertiary"):
        st.session_state.pop("token", None)
        if current().policy.oidc is not None and st.user.is_logged_in:
            st.logout()
        st.rerun()
