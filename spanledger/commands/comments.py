"""What people write about answers and alerts, as it may be stored."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.redaction import Redactor

_one_at_a_time = threading.Lock()


def redacted(text: str) -> str:
    """A comment without what redaction finds; "" where the engine had to drop it. The engine is made when first needed."""
    if not text:
        return ""
    with _one_at_a_time:
        return _redactor().redact(text).text


@functools.cache
def _redactor() -> Redactor:
    from collector.redaction import Redactor

    return Redactor()
