"""``spanledger eval``: a detector over a file, for users to judge it on their own data."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from spanledger.errors import ConfigError

#: Kind → (module, function, leading arguments).
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "redaction": ("collector.redaction.evaluate", "evaluate", ()),
    "schema": ("detectors.evaluate", "evaluate", ("schema",)),
    "grounding": ("detectors.evaluate", "evaluate", ("grounding",)),
    "contradiction": ("detectors.evaluate", "evaluate", ("contradiction",)),
    "anomaly": ("detectors.anomaly", "evaluate", ()),
    "forecast": ("detectors.forecast", "evaluate", ()),
}


def evaluate(kind: str, file: Path) -> None:
    """One JSON object per input line on standard output, in order, with the same ``id``.

    Raises:
        ConfigError: no such kind or file, or a line that is no JSON object or not what the detector judges.
    """
    if kind not in KINDS:
        raise ConfigError(f"no detector {kind!r}: choose one of {', '.join(KINDS)}")
    module, name, leading = KINDS[kind]
    if not _exists(module):
        raise ConfigError(f"`eval {kind}` is not available in this version")
    judge: Callable[..., Iterable[dict[str, Any]]] = getattr(importlib.import_module(module), name)
    rows = read_file(file)
    try:
        for result in judge(*leading, rows):
            sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    except ValueError as exc:
        raise ConfigError(f"{file}: {exc}") from exc


#: Scores of which a threshold decides.
ADVISED = ("grounding", "contradiction")


def advise(kind: str, file: Path, form: str) -> None:
    """Operating curve and threshold for answers that carry a ``label`` (true or 1: bad), as text or JSON.

    Raises:
        ConfigError: no score of this kind, labels missing, or too few of them.
    """
    if kind not in ADVISED:
        raise ConfigError(f"`--advice` is for {' and '.join(ADVISED)}: {kind!r} has no threshold to choose")
    from detectors import advice
    from detectors.evaluate import evaluate as judge
    from detectors.evaluate import threshold

    rows = read_file(file)
    if odd := next((i for i, row in enumerate(rows, 1) if row.get("label") not in (0, 1)), None):
        raise ConfigError(f"{file}: row {odd} has no `label`: true or 1 is bad, false or 0 is fine")
    try:
        scores = [result["score"] for result in judge(kind, rows)]  # type: ignore[arg-type]
        found = advice.advise(scores, [bool(row["label"]) for row in rows], threshold(kind))
    except ValueError as exc:
        raise ConfigError(f"{file}: {exc}") from exc
    sys.stdout.write(json.dumps(found.told()) + "\n" if form == "json" else advice.report(kind, found))


def read(lines: TextIO, name: str) -> list[dict[str, Any]]:
    """The JSON object of every line that is not blank.

    Raises:
        ConfigError: names the line.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as exc:
            raise ConfigError(f"{name}:{number}: not JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise ConfigError(f"{name}:{number}: expected a JSON object")
        rows.append(row)
    return rows


def read_file(file: Path) -> list[dict[str, Any]]:
    """The JSON objects of a JSON Lines file; ``-`` reads standard input.

    Raises:
        ConfigError: the file cannot be read, or a line is no JSON object.
    """
    if str(file) == "-":
        return read(sys.stdin, "standard input")
    try:
        with file.open(encoding="utf8") as lines:
            return read(lines, str(file))
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file}: not UTF-8 text") from exc


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
