"""``export focus``: a month of charges as a file that FinOps tools read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING

from spanledger.commands.focus import COLUMNS, VERSION, Month, rows
from spanledger.commands.warehouses import opened
from spanledger.errors import ConfigError
from spanledger.settings import Settings

if TYPE_CHECKING:
    import polars as pl

FORMATS = (".csv", ".parquet")


def focus(settings: Settings, month: str, out: Path, version: str, *, force: bool, now: datetime | None = None) -> int:
    """Write the FOCUS rows of a month; what they rest on goes to standard error.

    Args:
        settings: how this installation runs; whoever may read its token or its server's password may export.
        month: ``2026-11``, UTC.
        out: ``.csv`` or ``.parquet``; appears whole or not at all.
        version: of the specification.
        force: replace an existing file.

    Raises:
        ConfigError: no month, one that has not begun, another version or kind of file, a file that is there.
    """
    from spanledger.policy import load_policy
    from warehouse.queries import Scope, charges

    period, now = _period(month), now or datetime.now(UTC)
    if version != VERSION:
        raise ConfigError(f"--version {version}: FOCUS {VERSION} is written")
    if out.suffix.lower() not in FORMATS:
        raise ConfigError(f"{out}: the name must end in {' or '.join(FORMATS)}")
    if out.exists() and not force:
        raise ConfigError(f"{out} exists: --force replaces it")
    if now < period.start:
        raise ConfigError(f"{month} has not begun")
    policy = load_policy(settings.policy_path, settings.tokens_file)
    with opened(settings) as client:
        found = charges(client, Scope(period.start, period.end))
    table = rows(found, period, {app: entry.cost_centre for app, entry in policy.apps.items() if entry.cost_centre})
    with _staged(out) as file:
        write(table, file, out.suffix.lower())
    if now < period.end:
        _note(f"{month} is not over: figures until {now:%Y-%m-%d %H:%M} UTC")
    for line in evidence(found):
        _note(line)
    total = Decimal(table["BilledCost"].sum() or 0)
    sys.stdout.write(f"{out}: {table.height:,} rows, {total:.9f} USD, FOCUS {VERSION}\n")
    return 0


def write(table: pl.DataFrame, file: IO[bytes], suffix: str) -> None:
    """As CSV (times ISO 8601, null empty) or Parquet (times UTC, money decimal)."""
    if suffix == ".parquet":
        table.write_parquet(file)
        return
    import polars as pl

    times = [name for name, kind in COLUMNS.items() if isinstance(kind, pl.Datetime)]
    table.with_columns(pl.col(times).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv(file)


def evidence(charges: pl.DataFrame) -> Generator[str]:
    """What the money rests on, in words: FOCUS has no null cost, so that an unpriced call stands with cost 0."""
    names = ("billed_calls", "priced_calls", "partial_calls", "unpriced_calls", "usage_missing")
    billed, priced, partial, unpriced, missing = (int(charges[name].sum()) for name in names)
    if not billed:
        yield "no billed calls in this month"
        return
    yield f"{priced / billed:.1%} of {billed:,} billed calls have a price"
    for n, words in (
        (unpriced, "stand with cost 0 because no price is known (x_CostSource = unpriced)"),
        (partial, "are priced in part (x_CostSource = partial)"),
        (missing, "reported no usage"),
    ):
        if n:
            yield f"{n:,} {words}"


def _period(month: str) -> Month:
    try:
        return Month.of(month)
    except ValueError:
        raise ConfigError(f"--month {month}: a month such as 2026-11 is expected") from None


@contextlib.contextmanager
def _staged(out: Path) -> Generator[IO[bytes]]:
    """A file beside ``out`` that takes its place once it is whole and on disk; gone where that fails."""
    staged = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with staged.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staged.replace(out)
    except OSError as exc:
        raise ConfigError(f"{out} cannot be written: {exc.strerror or exc}") from exc
    finally:
        staged.unlink(missing_ok=True)


def _note(line: str) -> None:
    print(f"spanledger: {line}", file=sys.stderr)  # noqa: T201  beside the result
