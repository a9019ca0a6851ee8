"""What compiled code tells of clusters of digits, a row each (``Told`` in ``clusters.c``)."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: As in ``clusters.c``.
SURE, UNLESS_SAID, NOTHING_UNLESS_SAID, LISTED, LOOK, PIECE, TOKEN, CLUSTER = range(8)
CLASSES = ("PHONE", "CREDIT_CARD", "US_SSN", "NATIONAL_ID")
FIELDS = 13
TO, ENDS, HIT = 7, 9, 11  # columns: where a cluster ends, whether its value does, and the hit that told of it

_COSTS = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])  # what each counts of closer looks,
LOOK_BYTES = 32  # and so many bytes of a cluster that is looked at
_FAR, _AHEAD, _MOST_LOCAL = 10, 32, 9  # bytes to the next digit of a list, and behind a number that tell; more digits than one without area code has


def costs(rows: Array) -> Array:
    """What each of these counts of closer looks, if words say nothing."""
    kind, start, end, _, _, _, first, past, _, _, _, _, _ = rows.T
    found = _COSTS[kind]
    found += ((kind == LOOK) * (end - start) + (kind == CLUSTER) * (past - first)) / LOOK_BYTES
    found[1:][(kind[1:] == CLUSTER) & (past[1:] <= np.maximum.accumulate(past)[:-1])] = 0  # the same again
    return found


def followed(b: bytes, rows: Array) -> Array:
    """May what stands behind these values be a number in a list with them?"""
    base = int(rows[0, 1])
    raw = np.frombuffer(b[base : int(rows[:, 2].max()) + _AHEAD], np.uint8)
    is_digit = (raw - 48) < 10
    digits, others = np.append(np.flatnonzero(is_digit), len(raw)), np.append(np.flatnonzero(~is_digit), len(raw))
    ends = rows[:, 2] - base
    following = digits[np.searchsorted(digits, ends)]
    past = others[np.searchsorted(others, following)]
    size = np.minimum(past - following, _MOST_LOCAL)
    joined = np.minimum(past + 1, len(raw) - 1)
    second = others[np.searchsorted(others, joined)] - joined
    joint = raw[np.minimum(past, len(raw) - 1)]
    two = ((joint == 32) | (joint == 45)) & (((size == 3) & (second == 4)) | ((size == 4) & ((second == 3) | (second == 4))))
    return (following - ends <= _FAR) & (two | (size == 7) | (size == 8))
