"""The second rendering of the schema: a replicated, sharded ClickHouse cluster instead of one node.

Every table ``t`` becomes ``t_local`` (``Replicated…MergeTree``, ``ON CLUSTER``) and ``t`` itself a ``Distributed`` table over it,
so that queries and inserts are the same in both layouts. Tables that hold calls are sharded by trace, rollups by app, small ones by
their key; the audit log is one shard, so that its order is one.
The macros ``{cluster}``, ``{shard}`` and ``{replica}`` are the server's own (docker/clickhouse/).
"""

from __future__ import annotations

import re

#: Rows that belong to a trace: retries of a span land on the shard that has it, from whichever collector.
BY_TRACE = "cityHash64(trace_id)"
_KEYS = ("trace_id", "app_id", "writer", "job", "name", "id")  # the first that a table has shards it; without any: one shard, one order

_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS spanledger\.(\w+)", re.M)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?", re.M)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW spanledger\.(\w+)", re.M)
_DATABASE = re.compile(r"^CREATE DATABASE IF NOT EXISTS (\w+)")
_DROP = re.compile(r"^DROP TABLE IF EXISTS spanledger\.(\w+)", re.M)
_ALTER = re.compile(r"^ALTER TABLE spanledger\.(\w+)", re.M)
_TRUNCATE = re.compile(r"^TRUNCATE TABLE spanledger\.(\w+)", re.M)
_RENAME = re.compile(r"^RENAME TABLE IF EXISTS spanledger\.(\w+) TO spanledger\.(\w+)", re.M)


def render(sql: str) -> list[str]:
    """The statements that stand for one statement of the single-node schema, in the order to run them."""
    if match := _TABLE.search(sql):
        return [_local(sql, match[1]), _distributed(match[1], sharding(sql))]
    if match := _ALTER.search(sql):
        local = _ALTER.sub(r"ALTER TABLE spanledger.\1_local ON CLUSTER '{cluster}'", sql)
        return [local, _ALTER.sub(r"ALTER TABLE spanledger.\1 ON CLUSTER '{cluster}'", sql)] if _columns(sql) else [local]
    if match := _DROP.search(sql):
        return [_DROP.sub(rf"DROP TABLE IF EXISTS spanledger.{match[1]}{end} ON CLUSTER '{{cluster}}'", sql) for end in ("", "_local")]
    if match := _TRUNCATE.search(sql):
        return [_TRUNCATE.sub(r"TRUNCATE TABLE spanledger.\1_local ON CLUSTER '{cluster}'", sql)]
    if match := _RENAME.search(sql):
        old, new = match.groups()
        return [
            f"DROP TABLE IF EXISTS spanledger.{old} ON CLUSTER '{{cluster}}' SYNC",
            f"RENAME TABLE IF EXISTS spanledger.{old}_local TO spanledger.{new}_local ON CLUSTER '{{cluster}}'",
            _distributed(new, "cityHash64(app_id)"),  # what is copied and renamed are rollups
        ]
    sql = _VIEW.sub(r"CREATE OR REPLACE VIEW spanledger.\1 ON CLUSTER '{cluster}'", sql)
    return [_DATABASE.sub(r"CREATE DATABASE IF NOT EXISTS \1 ON CLUSTER '{cluster}'", sql)]


def _columns(sql: str) -> bool:
    return re.search(r"\b(ADD|DROP|RENAME|MODIFY) COLUMN\b", sql) is not None


def _local(sql: str, table: str) -> str:
    sql = _TABLE.sub(rf"CREATE TABLE IF NOT EXISTS spanledger.{table}_local ON CLUSTER '{{cluster}}'", sql)
    path = f"'/clickhouse/tables/{{shard}}/spanledger/{table}', '{{replica}}'"
    return _ENGINE.sub(lambda m: f"ENGINE = Replicated{m[1]}({', '.join(p for p in (path, m[2]) if p)})", sql)


def sharding(sql: str) -> str:
    """Sharding expression of a table, from the columns of its CREATE statement."""
    columns = set(re.findall(r"^[\s(]*(\w+) [A-Z]", sql, re.M)) | set(re.findall(r"[(,] ?(\w+) [A-Z]\w+", sql))
    key = next((k for k in _KEYS if k in columns and "audit_log" not in sql), None)
    return f"cityHash64({key})" if key else "0"


def _distributed(table: str, key: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS spanledger.{table} ON CLUSTER '{{cluster}}' AS spanledger.{table}_local\n"
        f"ENGINE = Distributed('{{cluster}}', 'spanledger', '{table}_local', {key})"
    )
