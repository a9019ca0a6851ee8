"""What a statement reads once the engine has resolved every name: the text of ``EXPLAIN QUERY TREE``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from warehouse.endpoint.functions import TABLE_FUNCTIONS
from warehouse.endpoint.refusal import Refused

_TABLE = re.compile(r"\s*TABLE id: (\d+),.*?\btable_name: ([^,\s]+)(, temporary_table_name: \S+)?")
_TABLE_FUNCTION = re.compile(r"\s*TABLE_FUNCTION id: \d+,.*?\btable_function_name: (\w+)")
_COLUMN = re.compile(r"\s*COLUMN id: \d+,.*?\bcolumn_name: (.+?), result_type: .*?, source_id: (\d+)(?:\s|,|$)")
_FUNCTION = re.compile(r"\s*FUNCTION id: \d+,.*?\bfunction_name: (\w+)")
_COUNTING = re.compile(  # sketches keep hashes of the values; the state of uniqExact would keep each one apart
    r"uniq(Exact(If|OrNull|OrDefault|Distinct)*|(Combined|Combined64|HLL12|UpTo)?(If|State|Merge|OrNull|OrDefault|Distinct)*)$"
)
_TEMPORARY = "_temporary_and_external_tables."  # a recursive CTE's working table


@dataclass(frozen=True)
class Reads:
    """Tables with their full names; columns by table, those that are only counted (inside ``uniq*``) apart."""

    tables: frozenset[str]
    columns: frozenset[tuple[str, str]]
    counted: frozenset[tuple[str, str]]


def reads(text: str) -> Reads:
    """Tables and columns in an ``EXPLAIN QUERY TREE`` answer.

    Raises:
        Refused: a line that names a source but does not look as expected: what cannot be understood is not run.
    """
    lines = text.split("\n")
    sources = _sources(lines)
    columns: set[tuple[str, str]] = set()
    counted: set[tuple[str, str]] = set()
    path: list[tuple[int, str]] = []  # (indentation, function name or "") above the line
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        while path and path[-1][0] >= indent:
            path.pop()
        if (called := _FUNCTION.match(line)) is not None:
            path.append((indent, called.group(1)))
        elif line.lstrip().startswith("COLUMN id:"):
            found = _COLUMN.match(line)
            if found is None:
                if "source_id" in line:
                    raise Refused("the query's columns cannot be read")
            elif (table := sources.get(found.group(2))) is not None:
                inside = path[-1][1] if path else ""
                only_counted = _COUNTING.match(inside) or _is_presence(inside, lines, number)
                (counted if only_counted else columns).add((table, found.group(1).split(".")[0]))
            path.append((indent, ""))
        elif line.strip() and not line.lstrip().startswith(("ARGUMENTS", "LIST id:")):
            path.append((indent, ""))
    return Reads(frozenset(sources.values()), frozenset(columns), frozenset(counted))


def _is_presence(function: str, lines: list[str], number: int) -> bool:
    """``column != ''`` and the like tell whether there is a value, not which."""
    if function in ("empty", "notEmpty"):
        return True
    following = lines[number + 1].strip() if number + 1 < len(lines) else ""
    return function in ("equals", "notEquals") and re.match(r"CONSTANT id: \d+, constant_value: '', ", following) is not None


def _sources(lines: list[str]) -> dict[str, str]:
    """Node id -> full table name."""
    found: dict[str, str] = {}
    for line in lines:
        text = line.lstrip()
        if text.startswith("TABLE id:"):
            match = _TABLE.match(line)
            if match is None or (match.group(1) in found and found[match.group(1)] != match.group(2)):
                raise Refused("the query's tables cannot be read")
            if not (match.group(3) and match.group(2).startswith(_TEMPORARY)):
                found[match.group(1)] = match.group(2)
        elif text.startswith("TABLE_FUNCTION id:"):
            called = _TABLE_FUNCTION.match(line)
            if called is None or called.group(1) not in TABLE_FUNCTIONS:
                raise Refused(f"table function {called.group(1) if called else '?'} is not allowed")
    return found
