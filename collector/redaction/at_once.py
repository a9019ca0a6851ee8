"""Many triggers of a kind at once: what is plain is taken for all of them, and what is certainly nothing is dismissed, before any matcher looks.

Each kind has a module of its own (``plain_secrets.py``, ``plain_urls.py``, ``plain_accounts.py``); what it takes, the matchers would
have taken, and what is not plain is left to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from collector.redaction.matching import Span
from collector.redaction.plain_accounts import within_accounts, without_accounts
from collector.redaction.plain_network import without_networks
from collector.redaction.plain_secrets import MANY, plain_assignments
from collector.redaction.plain_urls import among, plain_urls
from collector.redaction.rules import Trigger

Array = np.ndarray[Any, Any]

SPARSE = 256  # bytes for each trigger at most
_MOST = 32_768  # triggers that are asked for without a look at the clock
_ASSIGNS, _URLS, _EMAILS, _ACCOUNTS, _NUMBERS, _NETWORKS, _TOKENS = 1, 2, 3, 4, 5, 6, 7  # what triggers say
_SAYS = {
    "assignment": _ASSIGNS,
    "url_credential": _URLS,
    "email": _EMAILS,
    "iban": _ACCOUNTS,
    "number": _NUMBERS,
    "ipv6": _NETWORKS,
    "random_token": _TOKENS,
}  # by handler, or by rule


def kinds_of(triggers: Sequence[Trigger]) -> Array:
    """What each trigger says, as far as :func:`taken_at_once` asks."""
    return np.array([_SAYS.get(trigger.rule.handler or trigger.rule.id, 0) for trigger in triggers], np.uint8)


def taken_at_once(b: bytes, ats: Array, kinds: Array, los: Array, out: list[Span]) -> Array | None:
    """Append the plain values of triggers that end at ``ats``, are of these kinds and in texts that begin at ``los``.
    Says which triggers are left to look at; None: all."""
    counts = np.bincount(kinds, minlength=_TOKENS + 1).tolist()
    many = [kind for kind, least in LEAST.items() if counts[kind] >= least and counts[kind] * SPARSE >= len(b)]
    if not many:
        return None
    left = np.ones(len(ats), np.bool_)
    for kind in many:
        _TAKE[kind](b, ats, kinds, los, out, left)
    return left


def _assignments(b: bytes, ats: Array, kinds: Array, los: Array, out: list[Span], left: Array) -> None:
    """Values of assignments; a random token in one is that value as a whole."""
    assigns, tokens, before = np.flatnonzero(kinds == _ASSIGNS), np.flatnonzero(kinds == _TOKENS), len(out)
    left[assigns] = ~plain_assignments(b, ats[assigns], los[assigns], "SECRET_ASSIGN", out)
    if len(tokens):
        left[tokens] = ~_inside(ats[tokens], out[before:])


def _urls(b: bytes, ats: Array, kinds: Array, _los: Array, out: list[Span], left: Array) -> None:
    """Passwords in URLs; what follows them is no e-mail address."""
    urls, emails = np.flatnonzero(kinds == _URLS), np.flatnonzero(kinds == _EMAILS)
    done = plain_urls(b, ats[urls], "URL_CREDENTIAL", out)
    left[urls] = ~done
    left[emails] = ~among(ats[emails], ats[urls][done] + 1)


def _accounts(b: bytes, ats: Array, kinds: Array, _los: Array, _out: list[Span], left: Array) -> None:
    """Invalid accounts, and numbers in accounts in groups, are nothing."""
    accounts, numbers = np.flatnonzero(kinds == _ACCOUNTS)[:_MOST], np.flatnonzero(kinds == _NUMBERS)
    left[accounts] = ~without_accounts(b, ats[accounts])
    if len(numbers):
        left[numbers] = ~within_accounts(b, ats[numbers])


def _networks(b: bytes, ats: Array, kinds: Array, _los: Array, _out: list[Span], left: Array) -> None:
    """Times are no addresses."""
    networks = np.flatnonzero(kinds == _NETWORKS)[:_MOST]
    left[networks] = ~without_networks(b, ats[networks])


LEAST = {_ASSIGNS: MANY, _URLS: 12, _ACCOUNTS: 24, _NETWORKS: 24}  # triggers of a kind from which on it is worth it
_TAKE: dict[int, Callable[[bytes, Array, Array, Array, list[Span], Array], None]] = {
    _ASSIGNS: _assignments,
    _URLS: _urls,
    _ACCOUNTS: _accounts,
    _NETWORKS: _networks,
}


def _inside(places: Array, spans: Sequence[Span]) -> Array:
    """Which of these places are behind a byte of one of these spans?"""
    if not spans:
        return np.zeros(len(places), np.bool_)
    starts, ends = np.array([(start, end) for start, end, _ in sorted(spans)]).T
    k = np.searchsorted(starts, places) - 1
    return (k >= 0) & (places <= ends[k])
