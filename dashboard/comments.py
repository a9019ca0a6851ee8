"""What people write, as it may be stored."""

from __future__ import annotations

from dashboard.api.problems import BadInput
from dashboard.context import Context


def redacted(shared: Context, comment: str) -> str:
    """A comment as it may be stored. Raises ``BadInput`` where this process cannot redact."""
    if not comment:
        return ""
    if shared.redact is None:
        raise BadInput("comment", "comments cannot be redacted by this process and are not stored; leave it out")
    return shared.redact(comment)
