"""What a statement is made of, as the engine's own parser sees it: the text of ``EXPLAIN AST``, as a tree, checked node by node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from warehouse.endpoint.functions import BY_NAME, TABLE_FUNCTIONS, Functions
from warehouse.endpoint.refusal import Refused
from warehouse.endpoint.vocabulary import words

_LINE = re.compile(r"( *)(\S+)(?: (.*))?$", re.DOTALL)
_SUFFIX = re.compile(r"(?: \(alias (.*?)\))?(?: \(children \d+\))?$", re.DOTALL)
_TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$")

#: Kinds of node whose every part the tree shows. Another kind (APPLY hides the function it applies) is refused.
_KINDS = words(
    """
    SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Function Identifier Literal Subquery Asterisk QualifiedAsterisk
    ColumnsRegexpMatcher QualifiedColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsListMatcher ColumnsTransformerList
    ColumnsExceptTransformer ColumnsReplaceTransformer ColumnsReplaceTransformer::Replacement TablesInSelectQuery TablesInSelectQueryElement
    TableExpression TableIdentifier TableJoin ArrayJoin SampleRatio WithElement WindowListElement WindowDefinition OrderByElement
    StorageOrderByElement InterpolateElement Set DescribeQuery
    """
)
_IN = re.compile(r"(global)?(not)?(null)?in(ignoreset)?$", re.IGNORECASE)


@dataclass
class Node:
    """A node of the syntax tree: ``kind``, the ``name`` of a function, table or identifier, its ``alias``, and what is under it."""

    kind: str
    name: str
    alias: str
    parent: Node | None
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """The node and everything under it, in order."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


@dataclass(frozen=True)
class Parts:
    """What a checked statement names.

    Attributes:
        tables: as written in FROM and JOIN.
        in_names: names on the right side of IN: tables, or columns.
        scopes: names and aliases that columns may be qualified with.
        settings_clauses: how many SETTINGS clauses it has.
    """

    tables: frozenset[str]
    in_names: frozenset[str]
    scopes: frozenset[str]
    settings_clauses: int


def tree(text: str) -> Node:
    """The tree of an ``EXPLAIN AST`` answer (one node a line, one blank of indentation a level)."""
    root: Node | None = None
    path: list[Node] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:  # pragma: no cover - the pattern takes every non-blank line
            raise Refused("the statement cannot be read")
        depth = len(match.group(1))
        if depth > len(path) or (root is not None and depth == 0):
            raise Refused("the statement cannot be read")
        del path[depth:]
        kind, rest = _split(match.group(2), match.group(3) or "")
        suffix = _SUFFIX.search(rest)
        name = rest[: suffix.start()] if suffix else rest
        node = Node(kind, name.strip(), (suffix.group(1) or "") if suffix else "", path[-1] if path else None)
        if path:
            path[-1].children.append(node)
        else:
            root = node
        path.append(node)
    if root is None:
        raise Refused("the statement is empty", 62)
    return root


def _split(kind: str, rest: str) -> tuple[str, str]:
    """A node without a name may be followed by its suffix at once."""
    return kind, f" {rest}" if rest else ""


def check(root: Node, functions: Functions) -> Parts:
    """Everything the statement names, or ``Refused`` for what a reader may not use."""
    tables: set[str] = set()
    in_names: set[str] = set()
    scopes: set[str] = set()
    clauses = 0
    lambdas = {node.alias for node in root.walk() if node.kind == "Function" and node.name == "lambda" and node.alias}
    for node in root.walk():
        if node.kind not in _KINDS:
            what = "APPLY" if "Apply" in node.kind else node.kind
            raise Refused(f"{what} is not allowed in a read-only query")
        if node.kind == "Function":
            if node.name not in lambdas or functions.resolve(node.name) is not None:
                _check_function(node, functions)  # a name of the statement's own is checked where it is defined
            if _IN.match(node.name):
                in_names.update(_right_side_of_in(node))
        elif node.kind == "TableIdentifier":
            tables.add(_table(node.name))
            if "." in node.alias:
                raise Refused("an alias with a dot is not allowed")  # row filters are told apart by such names
            scopes.update((node.alias, node.name.rpartition(".")[2]))
        elif node.kind == "Subquery":
            scopes.add(node.alias)
        elif node.kind == "Identifier" and functions.forbidden_reference(node.name):
            raise Refused(f"function {node.name} is not allowed")
        elif node.kind == "Set":
            clauses += 1
    return Parts(frozenset(tables), frozenset(in_names), frozenset(scopes - {""}), clauses)


def _check_function(node: Node, functions: Functions) -> None:
    if node.parent is not None and node.parent.kind == "TableExpression":
        if node.name not in TABLE_FUNCTIONS:
            raise Refused(f"table function {node.name} is not allowed")
        return
    if not functions.allowed(node.name):
        raise Refused(f"function {node.name} is not allowed")
    if functions.resolve(node.name) in BY_NAME:
        named = node.children[0].children[0] if node.children and node.children[0].children else None
        called = re.match(r"'(\w+)(?:\(.*\))?'$", named.name) if named is not None and named.kind == "Literal" else None
        if called is None or not functions.allowed_aggregate(called.group(1)):
            raise Refused(f"function {node.name} takes the name of an allowed aggregate function, as a literal")


def _right_side_of_in(node: Node) -> list[str]:
    """``x IN name``: the name may be a table."""
    arguments = node.children[0].children if node.children else []
    return [a.name for a in arguments[1:] if a.kind == "Identifier"]


def _table(name: str) -> str:
    if not _TABLE.match(name):
        raise Refused(f"table {name[:100]!r} is not allowed")
    return name
