"""What an insert leaves to the merges changes no answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from spanledger.errors import WarehouseBusy
from warehouse import infile, inserts, journal, tables
from warehouse.engine import Engine
from warehouse.migrate import migrate

pytest.importorskip("chdb")

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
TEXTS = ["Zanzibar: the REFUND, please", "refunded (zanzibar)", "a_zanzibar b", "ÜBER-Größe zanzibar2", "no such place", ""]
WORDS = (["zanzibar"], ["refund", "zanzibar"], ["refund"], ["zanzibar2"], ["place", "no"], ["a", "b"], ["absent"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Engine.open(tmp_path) as engine:
        client = engine.client()
        migrate(client)
        yield client


def zero(kind: pa.DataType) -> object:
    """The value of a column that nothing is said about."""
    if pa.types.is_fixed_size_binary(kind):
        return bytes(kind.byte_width)
    return next((value for name, value in {"map": [], "list": [], "string": "", "bool": False}.items() if str(kind).startswith(name)), 0)


def rows(schema: pa.Schema, count: int, **given: Sequence[object]) -> pa.Table:
    """``count`` rows with these columns, distinct ids, and nothing else."""
    given = {"ts": [AT] * count, "trace_id": [bytes([i]) * 16 for i in range(count)], "span_id": [bytes([i]) * 8 for i in range(count)]} | given
    columns = [pa.array(given.get(field.name) or [zero(field.type)] * count, field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def found(client: Client, column: str, words: list[str]) -> list[str]:
    text = f"SELECT {column} FROM spanledger.contents WHERE hasAllTokens({column}, {{w:Array(String)}}) ORDER BY {column}"
    return [row[0] for row in client.query(text, {"w": words}).result_rows]


@pytest.mark.parametrize("column", ["prompt", "response"])
def test_a_search_finds_the_same_before_and_after_the_text_index_is_built(client: Client, column: str) -> None:
    indexed = "SELECT sum(secondary_indices_uncompressed_bytes) FROM system.parts WHERE table = 'contents' AND active"
    journal.insert(client, "contents", rows(tables.CONTENTS, len(TEXTS), **{column: TEXTS}))
    fresh, before = client.query(indexed).result_rows[0][0], [found(client, column, words) for words in WORDS]
    client.command("OPTIMIZE TABLE spanledger.contents FINAL")
    assert client.query(indexed).result_rows[0][0] > fresh
    half = rows(tables.CONTENTS, len(TEXTS), **{column: TEXTS, "trace_id": [bytes([i + 50]) * 16 for i in range(len(TEXTS))]})
    merged = [found(client, column, words) for words in WORDS]
    journal.insert(client, "contents", half)  # one part with the index, one without
    assert merged == before
    assert [found(client, column, words) for words in WORDS] == [sorted(2 * texts) for texts in before]
    assert [len(texts) for texts in before] == [3, 1, 1, 1, 1, 1, 0]


def test_a_span_that_stands_twice_in_one_insert_counts_once(client: Client) -> None:
    once = rows(tables.CALLS, 3, ver=[1, 1, 1], tokens_in=[5, 6, 7])
    again = rows(tables.CALLS, 3, ver=[2, 2, 2], tokens_in=[50, 60, 70])
    gone = rows(tables.CALLS, 1, ver=[3], is_deleted=[1])
    journal.insert(client, "calls", pa.concat_tables([again, once, once, gone]))
    assert client.query("SELECT count(), sum(tokens_in) FROM spanledger.ledger").result_rows[0] == (2, 130)


def test_words_told_as_a_dictionary_are_stored_as_they_are(client: Client) -> None:
    told = ["b", "", "a", "a", "", "b"]
    teams = pa.DictionaryArray.from_arrays(pa.array([2, 1, 0, 0, 1, 2], pa.int32()), pa.array(["a", "", "b", "never said"]))
    table = rows(tables.CALLS, len(told), tokens_in=list(range(len(told))))
    for name in ("team", "response_id"):  # a column of few words and a plain one
        table = table.set_column(table.schema.get_field_index(name), name, teams)
    journal.insert(client, "calls", table)
    journal.insert(client, "calls", rows(tables.CALLS, 1, team=["a"], tokens_in=[9], trace_id=[b"x" * 16]))
    found = "SELECT team, response_id FROM spanledger.ledger WHERE tokens_in < 9 ORDER BY tokens_in"
    assert client.query(found).result_rows == [(word, word) for word in told]
    client.command("OPTIMIZE TABLE spanledger.calls FINAL")
    assert client.query(found).result_rows == [(word, word) for word in told]
    by_team = "SELECT team, count() FROM spanledger.ledger GROUP BY team ORDER BY team"
    assert client.query(by_team).result_rows == [("", 2), ("a", 3), ("b", 2)]


def test_a_null_where_none_is_held_becomes_the_columns_zero(client: Client) -> None:
    journal.insert(client, "calls", rows(tables.CALLS, 2, tokens_in=[None, 7], team=[None, "t"], ttft_ms=[None, 3.0], cost_in_usd=[None, 1]))
    journal.insert(client, "calls", rows(tables.CALLS, 1, ttft_ms=[None], trace_id=[b"x" * 16]))
    told = client.query("SELECT team, tokens_in, ttft_ms, cost_in_usd FROM spanledger.ledger ORDER BY tokens_in, ts, trace_id").result_rows
    assert [tuple(row) for row in told] == [("", 0, None, 0), ("", 0, None, 0), ("t", 7, 3.0, 1)]


def test_which_columns_hold_nulls_is_as_the_tables_say(client: Client) -> None:
    names = "SELECT DISTINCT name FROM system.columns WHERE database = 'spanledger' AND table IN {tables:Array(String)} AND type LIKE 'Nullable%'"
    assert {name for (name,) in client.query(names, {"tables": list(tables.BY_NAME)}).result_rows} == inserts.NULLABLE


def test_a_person_is_found_before_and_after_the_filter_by_persons_is_built(client: Client) -> None:
    asked = "SELECT count() FROM spanledger.ledger WHERE user_hash = {u:String} AND session_hash = {s:String}"
    journal.insert(client, "calls", rows(tables.CALLS, 3, user_hash=["u1", "u2", "u1"], session_hash=["s1", "s1", "s2"]))
    fresh = client.query(asked, {"u": "u1", "s": "s1"}).result_rows[0][0]
    client.command("OPTIMIZE TABLE spanledger.calls FINAL")
    assert fresh == client.query(asked, {"u": "u1", "s": "s1"}).result_rows[0][0] == 1
    held = "SELECT data_compressed_bytes FROM system.data_skipping_indices WHERE database = 'spanledger' AND table = 'calls' AND name = 'ix_user'"
    assert client.query(held).result_rows[0][0] > 0


def test_an_insert_that_the_engine_refuses_is_told_and_the_next_one_works(client: Client) -> None:
    good = rows(tables.CALLS, 2)
    with pytest.raises(WarehouseBusy):
        journal.insert(client, "calls", good.rename_columns(["nonsense", *good.schema.names[1:]]))
    with pytest.raises(WarehouseBusy):
        journal.insert(client, "no_such_table", good)
    journal.insert(client, "calls", good)
    assert client.query("SELECT count() FROM spanledger.calls").result_rows[0][0] == 2


@pytest.mark.parametrize("in_memory", [10, 1 << 20])
def test_rows_of_any_size_are_read_from_memory_or_from_disk(client: Client, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(infile, "_IN_MEMORY", in_memory)
    engine = Engine.of(client)
    assert engine is not None
    folder = engine.path / "tmp"
    with infile.holding((b"%d\n" % i for i in range(1000)), folder) as file, engine.connection() as handle:
        assert bool(list(folder.iterdir())) == (in_memory == 10)
        handle.query("CREATE TABLE spanledger.numbers (n UInt32) ENGINE = MergeTree ORDER BY n")
        handle.query(infile.statement("INSERT INTO spanledger.numbers (n) SETTINGS max_threads = 1", file, "TSV"))
    assert client.query("SELECT count(), sum(n) FROM spanledger.numbers").result_rows == [(1000, 499_500)]
    assert not list(folder.iterdir())


def test_hashes_of_persons_and_texts_keep_sixty_four_bits(client: Client) -> None:
    long, short = "0123456789abcdef" * 2, "ab"
    journal.insert(client, "calls", rows(tables.CALLS, 2, user_hash=[long, short], tenant_hash=[long, ""], response_id=[long, ""]))
    stored = client.query("SELECT user_hash, tenant_hash, response_id FROM spanledger.calls ORDER BY span_id").result_rows
    assert stored == [(long[:16], long, long), (short, "", "")]


def test_fresh_text_is_packed_quickly_large_parts_of_it_densely_and_what_pages_read_always_quickly(client: Client) -> None:
    codec = "SELECT default_compression_codec FROM system.parts WHERE active AND rows > 0 AND table = {t:String}"
    fill = (
        "INSERT INTO spanledger.{} (ts, trace_id, {}) SELECT now64(), reinterpretAsFixedString(sipHash128(number)),"
        " arrayStringConcat(arrayMap(i -> hex(sipHash128(number, i)), range(40))) FROM numbers(20000)"
    )
    found: dict[str, list[set[str]]] = {}
    for table, column in (("contents", "prompt"), ("spans", "facts")):
        client.command(f"SYSTEM STOP MERGES spanledger.{table}")
        client.command(fill.format(table, column))
        fresh = {row[0] for row in client.query(codec, {"t": table}).result_rows}
        client.command(f"SYSTEM START MERGES spanledger.{table}")
        client.command(f"OPTIMIZE TABLE spanledger.{table} FINAL")
        found[table] = [fresh, {row[0] for row in client.query(codec, {"t": table}).result_rows}]
    assert found == {"contents": [{"LZ4"}, {"ZSTD(3)"}], "spans": [{"LZ4"}, {"LZ4"}]}
