"""The parts of the endpoint that need no engine: tokens, clauses, trees, settings, rights, bodies, tickets."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.endpoint import querytree, reader_settings, rights, statement, syntax, tickets
from warehouse.endpoint.bodies import Body, zstd
from warehouse.endpoint.catalogue import Snapshot, Table
from warehouse.endpoint.encodings import Encoder, choose
from warehouse.endpoint.fence import current_database
from warehouse.endpoint.functions import TABLE_FUNCTIONS, Functions, reviewed
from warehouse.endpoint.lexer import first_word, tokens, unquote
from warehouse.endpoint.principal import Limits, Principal
from warehouse.endpoint.refusal import EngineError, Refused, http_status
from warehouse.endpoint.slots import Slots

VIEWER = Principal("v", "viewer", ("a", "it's \\ b"))


# Tokens and clauses


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("SELECT 'it''s', \"a\\\"b\", `c``d`", ["word", "string", "op", "quoted", "op", "quoted"]),
        ("a -- b 'c\n d /* ' */ e", ["word", "word", "word"]),
        ("$x$ 'not a string $x$ 1", ["heredoc", "number"]),
        ("{a:Array(String)} {'k':'v'}", ["param", "op", "string", "op", "string", "op"]),
        ("1.5e-3+0xFF", ["number", "op", "number"]),
    ],
)
def test_tokens_see_through_quotes_and_comments(sql, kinds):
    assert [token.kind for token in tokens(sql)] == kinds


@given(st.text())
def test_every_character_belongs_to_a_token_or_to_space(sql):
    found = list(tokens(sql))
    assert all(token.text == sql[token.start : token.end] for token in found)
    assert [token.start for token in found] == sorted(token.start for token in found)


def test_names_are_unquoted_with_their_escapes():
    names = [unquote(token) for token in tokens(r"`a\nb` `c``d` 'e\x41\'' plain")]
    assert names == ["a\nb", "c`d", "eA'", "plain"]


@pytest.mark.parametrize(("sql", "word"), [("/* x */ -- y\n((select 1))", "SELECT"), ("  insert into t", "INSERT"), ("'x'", ""), ("", "")])
def test_the_first_word_is_found_past_comments(sql, word):
    assert first_word(sql) == word


@pytest.mark.parametrize(
    ("sql", "fmt", "outer", "inner", "count"),
    [
        ("SELECT 1", "", {}, {}, 0),
        ("SELECT 1 FORMAT JSON", "JSON", {}, {}, 0),
        ("SELECT 1 SETTINGS a = 1, b = 'x' FORMAT JSON SETTINGS c = -2", "JSON", {"a": "1", "b": "x", "c": "-2"}, {}, 1),
        ("SELECT * FROM (SELECT 1 SETTINGS a = 1)", "", {}, {"a": "1"}, 1),
        ("SELECT 1 AS FORMAT", "", {}, {}, 0),
        ("SELECT settings = 1 FROM t", "", {}, {}, 0),
        ("SELECT 'FORMAT JSON'", "", {}, {}, 0),
    ],
)
def test_clauses_are_taken_apart(sql, fmt, outer, inner, count):
    taken = statement.clauses(sql)
    assert (taken.format, taken.outer, taken.inner, taken.count) == (fmt, outer, inner, count)
    assert "FORMAT JSON" not in taken.sql or "'" in taken.sql


@pytest.mark.parametrize("sql", ["SELECT 1 INTO OUTFILE 'x'", "SELECT `a\\nb`", "SELECT 1 SETTINGS a = {'x':'y'}", "SELECT 1 SETTINGS a = [1]"])
def test_clauses_that_no_reader_may_use_are_refused(sql):
    with pytest.raises(Refused):
        statement.clauses(sql)


def test_identifier_parameters_are_written_out():
    assert statement.with_identifiers("SELECT {c:Identifier} FROM {t: Identifier}", {"c": "a", "t": "d.t"}) == "SELECT `a` FROM `d`.`t`"
    for value in ("a b", "a`b", "", "a.", "a;b", "ａ"):
        with pytest.raises(Refused):
            statement.with_identifiers("SELECT {c:Identifier}", {"c": value})


@pytest.mark.parametrize(
    ("head", "complete", "sql", "fmt", "rest"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x01\x02", False, "INSERT INTO t (a, b) ", "Native", b"\x01\x02"),
        (b"INSERT INTO t FORMAT CSV 1,2\n", True, "INSERT INTO t ", "CSV", b"1,2\n"),
        (b"insert into t (`format`) values (1)", True, "insert into t (`format`) ", "Values", b" (1)"),
        (b"INSERT INTO t SETTINGS a = 1 FORMAT TSV\r\n1", True, "INSERT INTO t SETTINGS a = 1 ", "TSV", b"1"),
    ],
)
def test_rows_of_an_insert_begin_after_its_head(head, complete, sql, fmt, rest):
    found = statement.insert_head(head, complete=complete)
    assert isinstance(found, statement.InsertHead)
    assert (found.sql, found.format, head[found.data_at :]) == (sql, fmt, rest)


def test_an_insert_s_head_may_come_in_pieces():
    whole = b"INSERT INTO t (a) FORMAT CSV\n1\n"
    for cut in range(1, whole.index(b"\n")):
        assert statement.insert_head(whole[:cut], complete=False) is None
    assert statement.insert_head(b"INSERT INTO t SELECT 1", complete=True) is False


# Trees

KNOWN = Functions([*((name, "", name in ("sum", "lower")) for name in [*reviewed(), "file", "sleep", "aggThrow"]), ("SUBSTR", "substring", True)])


def ast(*lines: str) -> syntax.Node:
    head = ["SelectWithUnionQuery (children 1)", " ExpressionList (children 1)", "  SelectQuery (children 2)", "   ExpressionList (children 1)"]
    return syntax.tree("\n".join([*head, *lines]))


def test_a_tree_tells_names_aliases_and_parents():
    root = ast("    Function sum (alias s) (children 1)", "     ExpressionList (children 1)", "      Identifier a", "   TablesInSelectQuery")
    function = next(node for node in root.walk() if node.kind == "Function")
    assert (function.name, function.alias, function.children[0].children[0].name) == ("sum", "s", "a")


@pytest.mark.parametrize(
    "lines",
    [
        ["    Function file"],
        ["    Identifier file"],
        ["    Function lambda (alias sleep)", "    Function sleep"],
        ["    ColumnsApplyTransformer"],
        ["    SomethingNew"],
        ["    Function arrayReduce (children 1)", "     ExpressionList (children 1)", "      Literal 'aggThrow'"],
        ["    TableExpression (children 1)", "     Function url"],
        ["    TableExpression (children 1)", "     Function sum"],
        ["    TableIdentifier /etc/passwd"],
    ],
)
def test_what_is_not_on_the_list_is_refused(lines):
    with pytest.raises(Refused):
        syntax.check(ast(*lines), KNOWN)


def test_a_tree_whose_lines_do_not_fit_is_refused():
    for text in ("SelectWithUnionQuery\nSelectQuery", "SelectWithUnionQuery\n   SelectQuery", ""):
        with pytest.raises(Refused):
            syntax.tree(text)


@pytest.mark.parametrize("name", ["sumIf", "uniqMerge", "quantileTDigestMergeState", "SUM", "substr", "countDistinctIf", "argMaxOrNull", "lambda"])
def test_aliases_and_combinators_are_resolved(name):
    assert KNOWN.allowed(name) or name == "countDistinctIf"


@pytest.mark.parametrize("name", ["file", "FILE", "sleep", "aggThrow", "aggThrowIf", "fileIf", "lowerIf", "nothing_known", "", "If"])
def test_other_functions_are_not_allowed(name):
    assert not KNOWN.allowed(name)


DANGEROUS = """
file url s3 remote cluster merge view dictGet joinGet getSetting getServerSetting getMacro getClientHTTPHeader hostName FQDN sleep sleepEachRow
filesystemAvailable catboostEvaluate evalMLMethod hasColumnInTable addressToLine demangle logTrace tid showCertificate serverUUID
structureToProtobufSchema formatRow aiGenerate aggThrow editDistance __getScalar chdb joinGetOrNull dictHas globalVariable getServerPort
"""


def test_the_list_holds_no_dangerous_function():
    assert not set(DANGEROUS.split()) & set(reviewed())
    assert not {name for name in reviewed() if name.startswith(("dict", "ai", "joinGet", "sleep", "__"))}
    assert not set(reviewed()) & set(TABLE_FUNCTIONS)


# Resolved names

TREE = """QUERY id: 0
  PROJECTION
    LIST id: 1, nodes: 3
      COLUMN id: 2, column_name: user_hash, result_type: String, source_id: 9
      FUNCTION id: 3, function_name: uniqIf, function_type: aggregate, result_type: UInt64
        ARGUMENTS
          LIST id: 4, nodes: 2
            COLUMN id: 5, column_name: trace_id, result_type: FixedString(16), source_id: 9
            FUNCTION id: 6, function_name: notEquals, function_type: ordinary, result_type: UInt8
              ARGUMENTS
                LIST id: 7, nodes: 2
                  COLUMN id: 8, column_name: session_hash, result_type: String, source_id: 9
                  CONSTANT id: 10, constant_value: '', constant_value_type: String
      COLUMN id: 11, column_name: attrs.keys, result_type: Array(String), source_id: 9
  JOIN TREE
    TABLE id: 9, alias: __table1, table_name: spanledger.ledger, final: 1
"""


def test_columns_that_are_read_and_columns_that_are_counted():
    found = querytree.reads(TREE)
    assert found.tables == {"spanledger.ledger"}
    assert {column for _, column in found.columns} == {"user_hash", "attrs"}
    assert {column for _, column in found.counted} == {"trace_id", "session_hash"}


@pytest.mark.parametrize(
    "line",
    [
        "    TABLE id: 9, alias: x, table_name: spanledger.contents",
        "    TABLE id: 12, alias: x",
        "    TABLE_FUNCTION id: 12, table_function_name: url",
        "    TABLE_FUNCTION id: 12",
        "      COLUMN id: 2, result_type: String, source_id: 9",
    ],
)
def test_a_resolved_tree_that_cannot_be_read_is_refused(line):
    with pytest.raises(Refused):
        querytree.reads(TREE + line + "\n")


# Settings, rights, scope

HELD = reader_settings.limits_of_readers(Limits())


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_threads", "1"), ("max_execution_time", "5"), ("output_format_json_quote_64bit_integers", "0"), ("join_use_nulls", "1"), ("limit", "5")],
)
def test_harmless_settings_pass(name, value):
    assert reader_settings.checked(name, value, HELD) == (name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("readonly", "0"),
        ("max_threads", "99"),
        ("max_execution_time", "0"),
        ("max_execution_time", "nan"),
        ("max_memory_usage", "-1"),
        ("max_result_rows", "x"),
        ("additional_table_filters", "{}"),
        ("output_format_schema", "/tmp/x"),
        ("output_format_avro_confluent_subject", "x"),
        ("format_template_row", "/etc/passwd"),
        ("max_block_size", "10000000"),
        ("anything_new", "1"),
    ],
)
def test_other_settings_are_refused(name, value):
    with pytest.raises(Refused):
        reader_settings.checked(name, value, HELD)


def test_readers_together_stay_under_their_memory():
    assert Limits(memory_bytes=1000, readers=4, readers_memory_bytes=2000).memory_each == 500
    assert Limits(memory_bytes=100, readers=4, readers_memory_bytes=2000).memory_each == 100


SNAPSHOT = Snapshot(
    1,
    {
        "calls": Table("calls", True),
        "contents": Table("contents", False),
        "migrations": Table("migrations", False),
        "rollup_pub": Table("rollup_pub", False),
        "ledger": Table("ledger", True, frozenset({"calls"}), True),
        "spend_x": Table("spend_x", True, frozenset({"ledger", "rollup_pub"}), True),
        "spend_leak": Table("spend_leak", True, frozenset({"ledger", "contents"}), True),
        "spend_far": Table("spend_far", True, frozenset({"system.processes"}), True),
        "spend_loop": Table("spend_loop", True, frozenset({"spend_loop"}), True),
        "brand_new": Table("brand_new", True),
    },
)


@pytest.mark.parametrize(
    ("principal", "readable"),
    [
        (VIEWER, {"calls", "ledger", "spend_x", "rollup_pub", "spend_loop"}),
        (Principal("f", "finance"), {"calls", "ledger", "spend_x", "rollup_pub", "spend_loop"}),
        (Principal("o", "operator"), {"calls", "ledger", "spend_x", "rollup_pub", "spend_loop", "contents", "spend_leak"}),
        (Principal("a", "admin"), set(SNAPSHOT.tables) - {"spend_far"}),
    ],
)
def test_a_role_reads_a_view_only_if_it_may_read_what_is_under_it(principal, readable):
    assert SNAPSHOT.readable(principal) == readable


def test_a_scope_filters_every_table_with_a_team_and_quotes_its_names():
    text = SNAPSHOT.filters(VIEWER)
    for name in ("calls", "ledger", "brand_new"):
        assert f"'spanledger.{name}': " in text
    assert rights.team_filter(VIEWER.teams or ()) == "team IN ('a', 'it\\'s \\\\ b')"
    assert rights.team_filter(()) == "0"
    assert "spanledger.calls" not in SNAPSHOT.filters(Principal("f", "finance"))


def test_the_engine_s_default_database_is_never_used():
    assert current_database("default") == current_database("") == "spanledger"
    for name in ("_temporary_and_external_tables", "x", "default2"):
        with pytest.raises(Refused):
            current_database(name)


# Bodies


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\nNEXT"


PACK = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "zstd": lambda data: zstd().compress(data)}


@given(data=st.binary(max_size=5000), size=st.integers(1, 700), encoding=st.sampled_from(list(PACK)), as_chunks=st.booleans())
def test_a_body_arrives_however_it_was_cut_and_packed(data, size, encoding, as_chunks):
    sent = PACK[encoding](data)
    stream = io.BytesIO(chunked(sent, size) if as_chunks else sent + b"NEXT")
    headers = {"Content-Encoding": encoding} | ({"Transfer-Encoding": "chunked"} if as_chunks else {"Content-Length": str(len(sent))})
    body = Body(stream, headers)
    assert body.read(10_000) == data
    assert body.finish()
    assert stream.read() == b"NEXT"


@given(data=st.binary(max_size=5000), encoding=st.sampled_from(["gzip", "deflate", "zstd"]))
def test_what_an_encoder_packs_a_body_unpacks(data, encoding):
    encoder = Encoder(encoding)
    sent = encoder.add(data) + encoder.end()
    assert Body(io.BytesIO(sent), {"Content-Encoding": encoding, "Content-Length": str(len(sent))}).read(10_000) == data


def test_a_bomb_of_a_body_is_cut_off():
    sent = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(Refused, match="longer than"):
        Body(io.BytesIO(sent), {"Content-Encoding": "gzip", "Content-Length": str(len(sent))}).read(1_000_000)


@pytest.mark.parametrize("headers", [{"Content-Length": "-1"}, {"Content-Length": "x"}])
def test_a_length_that_is_none_is_refused(headers):
    with pytest.raises(Refused):
        Body(io.BytesIO(b""), headers)


def test_the_best_encoding_that_the_client_takes_is_chosen():
    assert choose("gzip, lz4;q=0.5, zstd") == "zstd"
    assert choose("br, gzip;q=0") == ""
    assert choose("") == ""


# The rest


def test_errors_keep_the_engine_s_number():
    error = EngineError("Streaming query failed: Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)")
    assert (error.code, http_status(error.code), error.wire.startswith("Code: 159.")) == (159, 408, True)
    assert EngineError("no number").code == 1001


def test_slots_of_readers_and_of_the_instance_are_apart():
    slots = Slots(Limits(readers=1, readers_each=1, instance=1, queue_s=0))
    with slots.take(Principal("a", "viewer")):
        with slots.take(Principal("i", "instance")):
            pass
        with pytest.raises(Refused), slots.take(Principal("b", "viewer")):
            pass
    with slots.take(Principal("b", "viewer")):
        pass


def test_a_ticket_stands_for_a_reader_until_it_is_over():
    ticket = tickets.issue("secret", VIEWER, 10, clock=lambda: 100)
    assert tickets.redeem("secret", ticket, clock=lambda: 109) == VIEWER
    assert tickets.redeem("secret", ticket, clock=lambda: 111) is None
    assert tickets.redeem("other", ticket, clock=lambda: 109) is None
    assert tickets.redeem("", ticket, clock=lambda: 109) is None
    assert tickets.redeem("secret", ticket[:-2] + "xx", clock=lambda: 109) is None
    assert tickets.redeem("secret", "slt1.x.y") is None
    with pytest.raises(ValueError, match="readers"):
        tickets.issue("secret", Principal("i", "instance"))
