"""What a statement reads once the engine has resolved every name: the text of ``EXPLAIN QUERY TREE``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from warehouse.endpoint.functions import TABLE_FUNCTIONS
from warehouse.endpoint.refusal import Refused
from warehouse.endpoint.vocabulary import words

_TABLE = re.compile(r"\s*TABLE id: (\d+),.*?\btable_name: ([^,\s]+)(, temporary_table_name: \S+)?")
_TABLE_FUNCTION = re.compile(r"\s*TABLE_FUNCTION id: \d+,.*?\btable_function_name: (\w+)")
_COLUMN = re.compile(r"\s*COLUMN id: \d+,.*?\bcolumn_name: (.+?), result_type: .*?, source_id: (\d+)(?:\s|,|$)")
_FUNCTION = re.compile(r"\s*FUNCTION id: \d+,.*?\bfunction_name: (\w+)")
_COUNTING = re.compile(  # sketches keep hashes of the values; the state of uniqExact would keep each one apart
    r"uniq(Exact(If|OrNull|OrDefault|Distinct)*|(Combined|Combined64|HLL12|UpTo)?(If|State|Merge|OrNull|OrDefault|Distinct)*)$"
)
#: What PREWHERE may do before a row filter has left out other teams' rows: compare parts of the sort key. Of these none fails for one value
#: and not for another; an error (a division by zero, an overflow, ``throwIf``) would tell what other teams' rows hold.
_KEYS = frozenset({"ts", "trace_id", "span_id", "detector"})
_COMPARISONS = words("and or not equals notEquals less lessOrEquals greater greaterOrEquals in notIn toStartOfHour toUnixTimestamp")
_TEMPORARY = "_temporary_and_external_tables."  # a recursive CTE's working table


@dataclass(frozen=True)
class Reads:
    """Tables with their full names; columns by table, those that are only counted (inside ``uniq*``) apart.

    ``early``: what of PREWHERE may fail, or not, by what a row says: columns and functions that are not known to be harmless.
    """

    tables: frozenset[str]
    columns: frozenset[tuple[str, str]]
    counted: frozenset[tuple[str, str]]
    early: frozenset[str] = frozenset()


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
    return Reads(frozenset(sources.values()), frozenset(columns), frozenset(counted), frozenset(_early(lines)))


def _early(lines: list[str]) -> Iterator[str]:
    """Functions over columns, and columns, that stand in a PREWHERE and are not known to be harmless."""
    path: list[tuple[int, str]] = []  # (indentation, node or section) above the line
    for line in lines:
        word = line.strip()
        indent = len(line) - len(line.lstrip())
        while path and path[-1][0] >= indent:
            path.pop()
        if word.startswith("COLUMN id:"):
            above = [name for _, name in path]
            inside = above[max((i for i, name in enumerate(above) if name == "QUERY"), default=-1) + 1 :]
            if "PREWHERE" in inside:
                found = _COLUMN.match(line)
                yield from {found.group(1) if found else word} - _KEYS
                yield from {name for name in inside if name.startswith("(")} - {f"({name})" for name in _COMPARISONS}
        called = _FUNCTION.match(line)
        path.append((indent, f"({called.group(1)})" if called else word.split(" ")[0]))


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
