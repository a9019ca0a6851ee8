"""What is asked of the driver: each statement is read once, and goes to it without comments."""

from __future__ import annotations

from clickhouse_connect.driver import _backendclient, client

from warehouse import driver, engine
from warehouse.sqlfiles import QUERIES, sql


def test_a_statement_is_judged_once_and_a_long_one_is_not_kept() -> None:
    asked: list[str | bytes] = []

    def judge(query: str | bytes) -> bool:
        asked.append(query)
        return True

    remembering = driver.remembering(judge)
    long = "SELECT " + "1," * 10_000 + "1"
    assert all(remembering(text) for text in ("SELECT 1", "SELECT 1", long, long))
    assert asked == ["SELECT 1", long, long]


def test_the_driver_that_is_installed_remembers() -> None:
    assert engine.DATABASE  # importing the engine installs it
    for module in (client, _backendclient):
        judge = getattr(module, driver.JUDGE)  # fails with a driver that decides elsewhere: then look whether the memory is still needed
        assert judge.__module__ == driver.__name__
        assert [judge(text) for text in ("SELECT 1", "SELECT 1", "INSERT INTO t VALUES (1)", "DROP TABLE t")] == [True, True, False, False]
    driver.install()
    assert getattr(client, driver.JUDGE).__module__ == driver.__name__


def test_statements_go_without_their_comments() -> None:
    for file in QUERIES.glob("*.sql"):
        assert file.read_text(encoding="utf8").startswith("--"), f"{file.name} does not say what it gives"
        assert "--" not in sql(file.stem)
        assert ";" not in sql(file.stem)  # one more reading of the whole statement by the driver
