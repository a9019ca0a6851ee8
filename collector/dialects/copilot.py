"""GitHub Copilot CLI: spans only, semconv names, inclusive counts; nested ``invoke_agent`` spans repeat the sum of their calls."""

from __future__ import annotations

from collector.dialects.table import Dialect

COPILOT = Dialect(
    name="copilot-cli",
    scopes=("github.copilot*", "github-copilot*"),
    fields={"cost": (), "request_id": ("github.copilot.request_id",)},
    default_kind="step",
    authority=0,
)
