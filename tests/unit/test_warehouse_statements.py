"""Migration files as text: what is read from them, and that the cluster rendering says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from warehouse import cluster
from warehouse.migrate import COPY, Statement, split, statements


def test_statements_are_split_at_line_ends_and_lose_their_comments() -> None:
    assert split("-- why; not a statement\nSELECT ';' AS a;\n\nSELECT 2;\n") == ["SELECT ';' AS a", "SELECT 2"]


def test_every_statement_may_run_twice() -> None:
    made: set[str] = set()
    for statement in statements():
        made |= set(re.findall(r"^CREATE TABLE IF NOT EXISTS (\S+)", statement.sql))
        if copy := COPY.match(statement.sql):
            assert copy[1] in made  # emptied first: only a table of the migration's own may be filled
            assert re.search(rf"^RENAME TABLE IF EXISTS {copy[1]} TO", "\n".join(s.sql for s in statements()), re.M)
            continue
        assert any(
            mark in statement.sql
            for mark in (
                "IF NOT EXISTS",
                "IF EXISTS",
                "OR REPLACE",
                "DELETE WHERE",
                "WHERE length(",
                "MODIFY SETTING",
                "MODIFY COLUMN",
                "MATERIALIZE INDEX",
                "INSERT INTO spanledger.hour_marks",  # the later mark of a writer replaces the earlier
            )
        ), statement.name


def test_a_copied_table_takes_the_place_of_the_old_one_on_a_cluster() -> None:
    dropped, renamed, distributed = cluster.render("RENAME TABLE IF EXISTS spanledger.x_2 TO spanledger.x")
    assert dropped.startswith("DROP TABLE IF EXISTS spanledger.x_2 ON CLUSTER")
    assert renamed == "RENAME TABLE IF EXISTS spanledger.x_2_local TO spanledger.x_local ON CLUSTER '{cluster}'"
    assert (
        "EXISTS spanledger.x ON CLUSTER '{cluster}' AS spanledger.x_local\nENGINE = Distributed('{cluster}', 'spanledger', 'x_local'" in distributed
    )
    assert cluster.render("TRUNCATE TABLE spanledger.x") == ["TRUNCATE TABLE spanledger.x_local ON CLUSTER '{cluster}'"]


def test_no_two_files_share_a_version() -> None:
    names = {(s.version, s.name) for s in statements()}
    assert len(names) == len({version for version, _ in names})


@pytest.mark.parametrize("statement", list(statements()), ids=lambda s: f"{s.version:04d}.{s.number}")
def test_the_cluster_rendering_replicates_every_table_and_keeps_its_name_for_readers(statement: Statement) -> None:
    rendered = cluster.render(statement.sql)
    if statement.sql.startswith("INSERT"):
        assert rendered == [statement.sql]  # rows are copied through the distributed tables
        return
    assert all("ON CLUSTER '{cluster}'" in sql for sql in rendered)
    if statement.sql.startswith("CREATE TABLE"):
        local, distributed = rendered
        assert "ENGINE = Replicated" in local
        assert "ENGINE = Distributed('{cluster}', 'spanledger'" in distributed


@pytest.mark.parametrize("file", sorted((Path(cluster.__file__).parent / "sql" / "queries").glob("*.sql")), ids=lambda f: f.stem)
def test_a_mutation_is_accepted_by_replicated_tables_and_an_erasure_waits_for_every_replica(file: Path) -> None:
    text = file.read_text(encoding="utf8")
    if "ALTER TABLE" in text:
        assert "SELECT" not in text or "allow_nondeterministic_mutations = 1" in text
        assert ("mutations_sync = 2" if file.stem.startswith(("erase", "delete")) else "mutations_sync") in text
