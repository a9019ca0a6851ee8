"""Migration files as text: what is read from them, and that the cluster rendering says the same."""

from __future__ import annotations

import pytest

from warehouse import cluster
from warehouse.migrate import split, statements


def test_statements_are_split_at_line_ends_and_lose_their_comments() -> None:
    assert split("-- why; not a statement\nSELECT ';' AS a;\n\nSELECT 2;\n") == ["SELECT ';' AS a", "SELECT 2"]


def test_every_statement_may_run_twice() -> None:
    for statement in statements():
        assert any(
            mark in statement.sql
            for mark in ("IF NOT EXISTS", "IF EXISTS", "OR REPLACE", "DELETE WHERE", "WHERE length(", "MODIFY SETTING", "MODIFY COLUMN")
        ), statement.name


def test_no_two_files_share_a_version() -> None:
    names = {(s.version, s.name) for s in statements()}
    assert len(names) == len({version for version, _ in names})


@pytest.mark.parametrize("statement", list(statements()), ids=lambda s: f"{s.version:04d}.{s.number}")
def test_the_cluster_rendering_replicates_every_table_and_keeps_its_name_for_readers(statement) -> None:
    rendered = cluster.render(statement.sql)
    assert all("ON CLUSTER '{cluster}'" in sql for sql in rendered)
    if statement.sql.startswith("CREATE TABLE"):
        local, distributed = rendered
        assert "ENGINE = Replicated" in local
        assert "ENGINE = Distributed('{cluster}', 'spanledger'" in distributed
