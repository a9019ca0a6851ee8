"""Many URLs with passwords at once, by one pattern for all instead of two matchers for each.

A URL that stands between blanks or quotes and has but one ``@`` goes to the same end as in ``secrets.py`` and is no e-mail address; the
rest is left to the matchers, and so are all other triggers in it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from collector.redaction.matching import Span
from collector.redaction.secrets import PLACEHOLDER_HEADS, stands_for_password

Array = np.ndarray[Any, Any]

_REACH, _BACK = 256, 192  # bytes looked at behind an ``@``, and before it
_HEADS = b"|".join(sorted(PLACEHOLDER_HEADS))
_URL = re.compile(
    rb"[\0\s\"'<>][^\s\"'<>\0:@]{1,40}+(?<=[A-Za-z0-9])://([A-Za-z0-9_.\-]{0,64}+):(?:"
    rb"(?!(?i:%b))(?=[^0-9@]{0,63}[0-9])(?=[^A-Za-z@]{0,63}[A-Za-z])([A-Za-z0-9][A-Za-z0-9_!#*^~+$&=,;\-]{7,63}+)|"  # a secret at first sight
    rb"([A-Za-z0-9_!#*^~$+.,;:=&()\-]{1,64}+)|\[[A-Z_]{2,32}(?::[0-9a-f]{8,16})?\])@(?=[^\s/\"'<>\0@]{0,200}+[\s/\"'<>\0])" % _HEADS
)
_USER, _SECRET, _OTHER = 1, 2, 3


def plain_urls(b: bytes, tos: Array, class_name: str, out: list[Span]) -> Array:
    """Append the passwords of the URLs of which the ``@`` ends at ``tos``, in order; says which of them need no closer look."""
    ends: list[int] = []
    found: list[Span] = []
    for m in _URL.finditer(b, max(0, int(tos[0]) - _BACK), int(tos[-1]) + _REACH):
        ends.append(m.end())
        which = m.lastindex
        if which == _SECRET or (which == _OTHER and not stands_for_password(m[_OTHER], m[_USER])):
            found.append((*m.span(which), class_name))
    done = among(tos, np.array(ends, np.int64))
    known = set(tos.tolist())
    out += [span for span in found if span[1] + 1 in known]
    return done


def among(places: Array, known: Array) -> Array:
    """Which of these places are among those known, which are in order?"""
    known = np.append(known, -1)
    return known[np.searchsorted(known[:-1], places)] == places
