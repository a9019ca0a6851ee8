"""Who may see what."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from dashboard.access import RIGHTS, Caller, caller_of, is_loopback, open_to_anyone, person
from spanledger.errors import AccessDenied
from spanledger.policy import Policy, parse_policy

POLICY = parse_policy(
    f"""
tokens:
  - name: reporting
    sha256: {hashlib.sha256(b"open sesame").hexdigest()}
    role: viewer
    teams: [care]
  - name: old
    sha256: {hashlib.sha256(b"once").hexdigest()}
    role: admin
    expires_at: 2026-01-01T00:00:00Z
roles:
  - {{role: auditor, emails: [ann@example.com]}}
  - {{role: finance, groups: [controllers]}}
  - {{role: viewer, emails: ["@example.com"], teams: [growth]}}
"""
)


def test_a_token_gives_its_role_and_teams() -> None:
    assert caller_of("open sesame", POLICY.tokens) == Caller("reporting", "viewer", ("care",))


@pytest.mark.parametrize("secret", ["", "open", "Open Sesame", "once"])
def test_unknown_and_expired_tokens_are_refused(secret: str) -> None:
    with pytest.raises(AccessDenied):
        caller_of(secret, POLICY.tokens, datetime(2026, 11, 21, tzinfo=UTC))


def test_a_viewer_sees_sums_and_no_single_call_or_text() -> None:
    viewer = Caller("v", "viewer")
    viewer.must("aggregates")
    for right in ("calls", "content", "feedback"):
        with pytest.raises(AccessDenied, match="it needs"):
            viewer.must(right)


def test_text_is_for_operators_auditors_and_admins() -> None:
    assert {role for role, rights in RIGHTS.items() if "content" in rights} == {"operator", "auditor", "admin"}


def test_pages_grant_no_role_more_than_the_endpoint_lets_it_read() -> None:
    from warehouse.endpoint.rights import READS

    asked = {"aggregates": "spend", "calls": "spend", "journal": "journal", "content": "content", "quality": "quality"}
    for role, rights in RIGHTS.items():
        assert {asked[right] for right in rights if right in asked} <= READS[role]


def test_the_first_matching_grant_decides_a_persons_role() -> None:
    assert person("Ann@example.com", [], POLICY).role == "auditor"
    assert person("bob@example.com", ["controllers"], POLICY).role == "finance"
    assert person("bob@example.com", [], POLICY) == Caller("bob@example.com", "viewer", ("growth",))
    with pytest.raises(AccessDenied):
        person("eve@elsewhere.com", [], POLICY)


def test_an_address_that_nobody_vouches_for_is_nobodys() -> None:
    with pytest.raises(AccessDenied, match="not verified"):
        person("Ann@example.com", [], POLICY, verified=False)
    assert person("bob@example.com", ["controllers"], POLICY, verified=False).role == "finance"


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.4", False), ("", False)]
)
def test_only_loopback_is_open_without_tokens(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert open_to_anyone(Policy(), host) is loopback
    assert not open_to_anyone(POLICY, host)
