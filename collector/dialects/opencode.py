"""opencode: the Vercel AI SDK's spans among hundreds of its own (SQLite statements, plugin hooks), which are let go."""

from __future__ import annotations

from collector.dialects.table import Dialect

OPENCODE = Dialect(name="opencode", scopes=("opencode*",), default_kind="step", authority=0, keep_names=())
