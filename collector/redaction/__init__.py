"""Redaction: texts in, texts without personal data and secrets out, before anything durable sees them.

Start with ``engine.py`` (the passes), then ``rules/*.yaml`` (what is looked for) and ``docs/redaction.md`` (what is not).
``Redactor.redact_batch`` is the collector's hot path; ``evaluate.evaluate`` serves ``spanledger eval redaction``.
"""

from collector.redaction.engine import Entity, Redacted, Redactor

__all__ = ["Entity", "Redacted", "Redactor"]
