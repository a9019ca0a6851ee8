"""Sessions of readers and where the login form leads."""

from __future__ import annotations

import hashlib

import pytest

from dashboard import login
from spanledger.policy import Policy, parse_policy
from spanledger.settings import Settings

POLICY = parse_policy(f"tokens:\n  - {{name: a, role: finance, sha256: {hashlib.sha256(b'open').hexdigest()}}}\n")


def test_a_session_is_its_tokens_and_ends_when_the_token_goes() -> None:
    sessions = login.Sessions()
    sid = sessions.start("open")
    caller = sessions.caller(sid, POLICY)
    assert caller is not None
    assert caller.role == "finance"
    assert sessions.caller(sid, Policy()) is None
    sessions.end(sid)
    assert sessions.caller(sid, POLICY) is None


def test_unknown_sessions_open_nothing() -> None:
    assert login.Sessions().caller(None, POLICY) is None
    assert login.Sessions().caller("made up", POLICY) is None


@pytest.mark.parametrize("then", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""])
def test_the_form_never_leads_to_another_site(then: str) -> None:
    assert login._inside(then) == "/"


def test_the_form_leads_back_to_the_page_asked_for() -> None:
    assert login._inside("/calls?since=7d") == "/calls?since=7d"


def test_single_sign_on_is_handed_to_streamlit_whole() -> None:
    policy = parse_policy("oidc: {issuer: https://id.example/realm, client_id: spanledger, client_secret: s3cret}\n")
    told = login.oidc_secrets(Settings(public_url="https://spend.example"), policy)["auth"]
    assert told["redirect_uri"] == "https://spend.example/oauth2callback"
    assert told["server_metadata_url"] == "https://id.example/realm/.well-known/openid-configuration"
    assert login.oidc_secrets(Settings(), Policy()) == {}
