"""``feedback import``: what people said about answers, as JSON Lines, into the ledger's feedback; labels calibrate the detectors per route."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

from spanledger.commands.comments import redacted
from spanledger.commands.evaluation import read_file
from spanledger.commands.warehouses import opened
from spanledger.errors import ConfigError
from spanledger.settings import Settings
from warehouse.feedback import Feedback, Kind, add_feedback, targets

KINDS: tuple[str, ...] = get_args(Kind)
FIELDS = ("trace_id", "span_id", "kind", "value", "name", "label", "comment", "id", "actor", "hallucinated")
_AT_ONCE = 5_000


def import_feedback(settings: Settings, file: Path, actor: str) -> int:
    """Store every line that is about a known call; exit code 0, or 1 when some are about calls that the ledger does not know.

    The same file again changes nothing: a line without ``id`` gets one from what it is about and who says it.

    Raises:
        ConfigError: a line that says nothing sensible; nothing is stored then.
    """
    rows = [sensible(row, number, str(file)) for number, row in enumerate(read_file(file), 1)]
    unknown: list[str] = []
    stored = 0
    with opened(settings, writing=True) as client:
        for at in range(0, len(rows), _AT_ONCE):
            part = rows[at : at + _AT_ONCE]
            calls = by_trace(targets(client, sorted({r["trace_id"] for r in part})))
            made = [statement(row, calls, actor, redacted) for row in part]
            unknown += [r["trace_id"] for r, m in zip(part, made, strict=True) if m is None]
            stored += add_feedback(client, [m for m in made if m is not None])
    sys.stdout.write(json.dumps({"stored": stored, "unknown": len(unknown)}) + "\n")
    if unknown:
        sys.stderr.write(f"{len(unknown)} lines are about calls that the ledger does not know, the first in trace {unknown[0]}\n")
    return 1 if unknown else 0


def sensible(row: Mapping[str, Any], number: int, name: str) -> dict[str, Any]:
    """A line with every field in its type. ``hallucinated: true`` is short for a label of value 1.

    Raises:
        ConfigError: names the line and what is wrong.
    """

    def wrong(what: str) -> ConfigError:
        return ConfigError(f"{name}:{number}: {what}")

    if odd := sorted(set(row) - set(FIELDS)):
        raise wrong(f"unknown field {odd[0]!r}: known are {', '.join(FIELDS)}")
    told: dict[str, Any] = dict(row)
    if told.get("hallucinated", 0) not in (0, 1):
        raise wrong("hallucinated must be true or false")
    if "hallucinated" in told:
        told = {"kind": "label", "name": "hallucination", "value": float(bool(told.pop("hallucinated"))), **told}
    told = dict[str, Any](span_id="", value=1.0, name="", label="", comment="", id="", actor="") | told
    for field, digits in (("trace_id", 32), ("span_id", 16)):
        told[field] = str(told.get(field) or "").lower()
        if (field == "trace_id" or told[field]) and not _hexadecimal(told[field], digits):
            raise wrong(f"{field} must be {digits} hexadecimal digits")
    if told.get("kind") not in KINDS:
        raise wrong(f"kind must be one of {', '.join(KINDS)}")
    allowed = {"thumb": (1, -1), "label": (0, 1)}.get(told["kind"])
    if not _number(told["value"]) or (allowed and told["value"] not in allowed):
        raise wrong(f"value must be {' or '.join(map(str, allowed)) if allowed else 'a number'}")
    return told


def _number(value: object) -> bool:
    """Whether it can be summed: JSON as Python reads it also knows NaN and Infinity."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _hexadecimal(text: str, digits: int) -> bool:
    return len(text) == digits and all(c in "0123456789abcdef" for c in text)


def by_trace(calls: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Calls of each trace, earliest first."""
    out: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for call in calls:
        out[call["trace_id"]].append(call)
    return out


def statement(row: Mapping[str, Any], calls: Mapping[str, list[Mapping[str, Any]]], actor: str, redact: Callable[[str], str]) -> Feedback | None:
    """The statement of one line; None when the ledger does not know what it is about. A span told with the call counts as the call."""
    span = row["span_id"]
    call = next((c for c in calls.get(row["trace_id"], ()) if not span or span == c["span_id"] or span in c["members"]), None)
    if call is None:
        return None
    said_by = str(row["actor"] or actor)
    known: dict[str, Any] = {name: str(call[name]) for name in ("project", "app_id", "team", "tenant_hash", "user_hash")}
    key = json.dumps([row["trace_id"], span, row["kind"], row["name"], said_by])
    return Feedback(
        kind=row["kind"],
        ts=_utc(call["ts"]),
        trace_id=bytes.fromhex(row["trace_id"]),
        span_id=bytes.fromhex(call["span_id"]) if span else b"",
        name=str(row["name"]),
        value=float(row["value"]),
        label=str(row["label"]),
        comment=redact(str(row["comment"])),
        actor=said_by,
        id=str(row["id"]) or blake2b(key.encode(), digest_size=16).hexdigest(),
        **known,
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
