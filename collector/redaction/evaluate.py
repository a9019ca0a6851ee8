"""``spanledger eval redaction``: JSON Lines in, JSON Lines out, for users to judge redaction on their own data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from collector.redaction.engine import Redacted, Redactor

_BATCH = 256


def evaluate(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Redact each row's ``text``, or its ``texts`` as parts of one conversation.

    Yields:
        ``{"id", "redacted", "entities": [{"class", "start", "end"}]}`` in order, offsets in code points; for ``texts``,
        ``redacted`` is a list and each entity says its ``part``. A text that was withheld says why in ``dropped``.
    """
    redactor = Redactor()
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        texts: list[str] = []
        groups: list[int] = []
        for n, row in enumerate(batch):
            parts = row["texts"] if "texts" in row else [row.get("text") or ""]
            texts += parts
            groups += [n] * len(parts)
        done = iter(redactor.redact_parts(texts, groups))
        for row in batch:
            if "texts" in row:
                yield _several(row["id"], list(islice(done, len(row["texts"]))))
            else:
                yield _single(row.get("id"), next(done))


def _single(row_id: Any, r: Redacted) -> dict[str, Any]:
    entities = [{"class": e.class_name, "start": e.start, "end": e.end} for e in r.entities]
    return {"id": row_id, "redacted": r.text, "entities": entities} | ({"dropped": r.dropped} if r.dropped else {})


def _several(row_id: Any, parts: list[Redacted]) -> dict[str, Any]:
    entities = [{"class": e.class_name, "start": e.start, "end": e.end, "part": i} for i, r in enumerate(parts) for e in r.entities]
    dropped = [r.dropped for r in parts if r.dropped]
    return {"id": row_id, "redacted": [r.text for r in parts], "entities": entities} | ({"dropped": dropped[0]} if dropped else {})
