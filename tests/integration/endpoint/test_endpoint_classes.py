"""What the engine offers, asked for one by one: a reader gets what was reviewed and nothing else, whatever an upgrade of the engine adds."""

from __future__ import annotations

import re

import pytest
from urllib3 import encode_multipart_formdata

from warehouse.endpoint.functions import SYNTAX, TABLE_FUNCTIONS, reviewed

#: Tables of the engine's own that say nothing of anybody's rows, queries or machine.
HARMLESS = {
    "aggregate_function_combinators", "build_options", "collations", "columns", "contributors", "data_type_families", "databases", "formats",
    "functions", "keywords", "numbers", "numbers_mt", "one", "settings", "table_engines", "table_functions", "tables", "time_zones", "zeros",
    "zeros_mt",
}  # fmt: skip
#: Settings that reach outside, raise a limit, lift a fence, or tell of others.
DANGEROUS = re.compile(
    r"path|url|schema$|schema_|disk|^s3|hdfs|azure|kafka|remote|replica|cluster|insert|async|mutation|quota|priority|workload|profile|^allow_"
    r"|experimental|introspection|additional_|polic|query_cache|condition_cache|filesystem|^log_|storage|query_plan|merge_tree|_to_read|_bytes_before"
    r"|dialect|analyzer|compat|replace_running|secrets|ddl|restore|backup"
)
#: Of these names, what a reader may set: a remark, limits of its own, how a dump of rows as INSERT looks.
TAME = re.compile(r"(log_comment|max_(rows|bytes)_to_read|output_format_sql_insert_\w+)$")


def _rows(house, sql):
    return [row[0] for row in house.client().query(sql).result_rows]


@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_every_function_that_nobody_has_reviewed_is_refused(house, who):
    known = dict(house.client().query("SELECT name, alias_to FROM system.functions").result_rows)
    strange = sorted(name for name, alias in known.items() if (alias or name) not in reviewed() and name not in SYNTAX)
    assert len(strange) > 300
    for name in strange:
        status, body = house.ask(who, f"SELECT `{name}`()")
        assert (status, "ACCESS_DENIED" in body) == (403, True), (name, status, body[:200])


@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_every_table_function_but_those_that_make_rows_is_refused(house, who):
    names = set(_rows(house, "SELECT name FROM system.table_functions")) - TABLE_FUNCTIONS
    assert len(names) > 60
    for name in sorted(names):
        for arguments in ("", "'x'", "SELECT 1"):
            status, body = house.ask(who, f"SELECT * FROM `{name}`({arguments})")
            assert status == 403 or "SYNTAX_ERROR" in body, (name, arguments, status, body[:200])


@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_of_the_engines_own_tables_the_harmless_ones_are_shown(house, who):
    names = _rows(house, "SELECT name FROM system.tables WHERE database = 'system'")
    shown = {name for name in names if house.ask(who, f"SELECT count() FROM (SELECT * FROM system.`{name}` LIMIT 1)")[0] < 400}
    assert len(names) > 100
    assert shown <= HARMLESS


@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_every_setting_that_reaches_further_is_refused(house, who):
    names = [name for name in _rows(house, "SELECT name FROM system.settings") if DANGEROUS.search(name) and not TAME.match(name)]
    assert len(names) > 400
    let_through = [name for name in names for status, _ in [house.ask(who, "SELECT 1", **{name: "1"})] if status < 400]
    assert let_through == []


@pytest.mark.parametrize("query", ["SELECT * FROM x&x_structure=a+Int8", "SELECT * FROM x&x_types=Int8", "SELECT * FROM calls&calls_format=CSV"])
@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_tables_in_the_body_are_not_taken(house, who, query):
    name = "calls" if "calls" in query else "x"
    body, kind = encode_multipart_formdata({name: (name, b"1\n2\n")})
    headers = {"X-ClickHouse-User": who, "X-ClickHouse-Key": "pw", "Content-Type": kind}
    answer = house.http.request("POST", f"{house.url}/?query={query.replace(' ', '+')}", body=body, headers=headers)
    assert (answer.status, b"external data" in answer.data) == (501, True)


@pytest.mark.parametrize(
    "fields",
    [{"query": "SELECT file('/etc/hostname')"}, {"query": "SELECT 1", "readonly": "0"}, {"query": "SELECT 1", "additional_table_filters": "{}"}],
)
def test_a_form_is_judged_like_the_address(house, fields):
    body, kind = encode_multipart_formdata(fields)
    headers = {"X-ClickHouse-User": "viewer-a", "X-ClickHouse-Key": "pw", "Content-Type": kind}
    answer = house.http.request("POST", f"{house.url}/", body=body, headers=headers)
    assert answer.status == 403, answer.data[:200]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_verb_runs_a_statement(house, method):
    assert house.ask("admin", "SELECT 1", method)[0] == 501
