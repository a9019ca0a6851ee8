"""Many secrets at once: assignments (``plain_secrets.py``), and URLs with passwords, by one pattern for all instead of two matchers for each.

A URL that stands between blanks or quotes and has but one ``@`` goes to the same end as in ``secrets.py`` and is no e-mail address; the
rest is left to the matchers, and so are all other triggers in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.redaction.matching import Span
from collector.redaction.plain_secrets import MANY, SPARSE, plain_assignments
from collector.redaction.rules import Trigger
from collector.redaction.secrets import PLACEHOLDER_HEADS, stands_for_password

Array = np.ndarray[Any, Any]

_ASSIGNS, _URLS, _EMAILS = 1, 2, 3  # what triggers say
_MANY_URLS = 12  # from which on a pattern for all is worth it
_CLASSES = {_ASSIGNS: "SECRET_ASSIGN", _URLS: "URL_CREDENTIAL"}
_REACH, _BACK = 256, 192  # bytes looked at behind an ``@``, and before it
_HEADS = b"|".join(sorted(PLACEHOLDER_HEADS))
_URL = re.compile(
    rb"[\0\s\"'<>][^\s\"'<>\0:@]{1,40}+(?<=[A-Za-z0-9])://([A-Za-z0-9_.\-]{0,64}+):(?:"
    rb"(?!(?i:%b))(?=[^0-9@]{0,63}[0-9])(?=[^A-Za-z@]{0,63}[A-Za-z])([A-Za-z0-9][A-Za-z0-9_!#*^~+$&=,;\-]{7,63}+)|"  # a secret at first sight
    rb"([A-Za-z0-9_!#*^~$+.,;:=&()\-]{1,64}+)|\[[A-Z_]{2,32}(?::[0-9a-f]{8,16})?\])@(?=[^\s/\"'<>\0@]{0,200}+[\s/\"'<>\0])" % _HEADS
)
_USER, _SECRET, _OTHER = 1, 2, 3


def secret_kinds(triggers: Sequence[Trigger]) -> Array:
    """What each trigger says, as far as :func:`secrets_at_once` asks."""
    kinds = {"assignment": _ASSIGNS, "url_credential": _URLS, "email": _EMAILS}
    return np.array([kinds.get(trigger.rule.handler, 0) for trigger in triggers], np.uint8)


def secrets_at_once(b: bytes, ats: Array, kinds: Array, los: Array, out: list[Span]) -> Array | None:
    """Append the plain values of triggers that end at ``ats``, are of these kinds and in texts that begin at ``los``.
    Says which triggers are left to look at; None: all."""
    assigns, urls = np.flatnonzero(kinds == _ASSIGNS), np.flatnonzero(kinds == _URLS)
    left = np.ones(len(ats), np.bool_)
    if len(assigns) >= MANY and len(assigns) * SPARSE >= len(b):
        left[assigns] = ~plain_assignments(b, ats[assigns], los[assigns], _CLASSES[_ASSIGNS], out)
    if len(urls) >= _MANY_URLS and len(urls) * SPARSE >= len(b):
        done = plain_urls(b, ats[urls], _CLASSES[_URLS], out)
        left[urls] = ~done
        emails = np.flatnonzero(kinds == _EMAILS)
        left[emails] = ~_among(ats[emails], ats[urls][done] + 1)
    return None if left.all() else left


def plain_urls(b: bytes, tos: Array, class_name: str, out: list[Span]) -> Array:
    """Append the passwords of the URLs of which the ``@`` ends at ``tos``, in order; says which of them need no closer look."""
    ends: list[int] = []
    found: list[Span] = []
    for m in _URL.finditer(b, max(0, int(tos[0]) - _BACK), int(tos[-1]) + _REACH):
        ends.append(m.end())
        which = m.lastindex
        if which == _SECRET or (which == _OTHER and not stands_for_password(m[_OTHER], m[_USER])):
            found.append((*m.span(which), class_name))
    done = _among(tos, np.array(ends, np.int64))
    known = set(tos.tolist())
    out += [span for span in found if span[1] + 1 in known]
    return done


def _among(places: Array, known: Array) -> Array:
    """Which of these places are among those known, which are in order?"""
    known = np.append(known, -1)
    return known[np.searchsorted(known[:-1], places)] == places
