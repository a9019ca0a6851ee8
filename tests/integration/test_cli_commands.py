"""The command line from outside: exit codes, one clear line, formats."""

import json

import pytest


def test_wrong_usage_ends_with_2_and_one_line(spanledger):
    for args in (("nonsense",), ("query",), ("query", "SELECT 1", "--format", "xml"), ("eval", "nonsense", "-")):
        done = spanledger(*args)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr


def test_debug_shows_where_an_error_came_from(spanledger, tmp_path):
    done = spanledger("--debug", "config", "check", str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_detectors_judge_a_file_line_by_line_or_say_what_is_wrong_with_it(spanledger, tmp_path):
    file = tmp_path / "series.jsonl"
    days = [f"2026-05-{day:02d}" for day in range(1, 15)]
    file.write_text(json.dumps({"id": "a", "days": days, "cost_usd": [1.0] * 14, "month": "2026-05"}) + "\n")
    done = spanledger("eval", "forecast", str(file))
    assert (done.returncode, json.loads(done.stdout)["total"]) == (0, 31.0)
    done = spanledger("eval", "anomaly", str(file))
    assert done.returncode == 2
    assert done.stderr.strip() == f"spanledger: {file}: series 'a' has no list `ts`"


def test_config_check_says_file_line_and_reason(spanledger, tmp_path):
    file = tmp_path / "spanledger.yaml"
    file.write_text("content:\n  default: nothing\n")
    done = spanledger("config", "check", str(file))
    assert done.returncode == 2
    assert f"{file}:2: content.default: " in done.stderr
    file.write_text("content:\n  default: none\n")
    assert spanledger("config", "check", str(file)).returncode == 0


def test_config_schema_is_json(spanledger):
    assert json.loads(spanledger("config", "schema").stdout)["title"] == "spanledger.yaml"


def test_a_new_token_is_shown_with_the_hash_that_the_policy_wants(spanledger):
    import hashlib

    token, digest = (line.split()[1] for line in spanledger("config", "hash-token").stdout.splitlines())
    assert hashlib.sha256(token.encode()).hexdigest() == digest


@pytest.fixture
def warehouse(tmp_path):
    from warehouse.engine import Engine
    from warehouse.migrate import migrate

    with Engine.open(tmp_path / "data") as engine:
        client = engine.client()
        migrate(client)
        client.close()
    return tmp_path / "data"


def test_query_reads_the_data_directory_itself_when_nothing_runs(spanledger, warehouse):
    sql = "SELECT count() AS n, toDecimal64('0.000000001', 9) AS usd, toUInt64(18446744073709551615) AS big FROM spanledger.ledger;"
    done = spanledger("query", "--data", str(warehouse), "--format", "json", sql)
    assert json.loads(done.stdout) == {"data": [{"n": "0", "usd": "0.000000001", "big": "18446744073709551615"}]}
    assert spanledger("query", "--data", str(warehouse), "--format", "csv", sql).stdout.splitlines()[0] == '"n","usd","big"'
    assert "0.000000001" in spanledger("query", "--data", str(warehouse), sql).stdout
    assert spanledger("query", "--data", str(warehouse), "SELECT 1 AS n FORMAT JSONEachRow;").stdout == '{"n":1}\n'


@pytest.mark.parametrize("sql", ["DROP TABLE spanledger.calls", "SET readonly = 0", "SELEC 1", "INSERT INTO spanledger.calls SELECT 1"])
def test_query_refuses_what_is_no_read(spanledger, warehouse, sql):
    done = spanledger("query", "--data", str(warehouse), sql)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_directory_without_data_is_said_plainly_and_left_alone(spanledger, tmp_path):
    done = spanledger("query", "--data", str(tmp_path / "none"), "SELECT 1")
    assert done.returncode == 1
    assert "there is no data in" in done.stderr
    assert not (tmp_path / "none").exists()


def test_migrate_makes_a_warehouse_once(spanledger, tmp_path):
    first = spanledger("migrate", "--data", str(tmp_path / "new"))
    assert first.returncode == 0
    assert "applied 0001" in first.stdout
    assert spanledger("migrate", "--data", str(tmp_path / "new")).stdout.strip() == "schema is up to date"


def test_spend_of_an_empty_ledger_is_empty_and_says_so(spanledger, warehouse):
    done = spanledger("spend", "--data", str(warehouse))
    assert done.returncode == 0, done.stderr
    assert "no billed calls in this window" in done.stdout
    assert json.loads(spanledger("spend", "--data", str(warehouse), "--format", "json").stdout) == {"data": []}


def test_doctor_finds_a_healthy_installation_healthy(spanledger, warehouse):
    done = spanledger("doctor", "--data", str(warehouse))
    assert done.returncode == 0, done.stdout
    assert "✓ warehouse" in done.stdout


def test_a_backup_is_verified_and_fills_an_empty_directory(spanledger, warehouse, tmp_path):
    made = spanledger("backup", str(tmp_path / "copies"), "--name", "first", "--data", str(warehouse))
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["differences"] == []
    done = spanledger("restore", str(tmp_path / "copies"), "--data", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["restored"] == "first"
    audit = spanledger("audit", "verify", "--data", str(tmp_path / "again"))
    assert audit.returncode == 0, audit.stderr
    missing = spanledger("restore", str(tmp_path / "nothing"), "--data", str(tmp_path / "more"))
    assert missing.returncode == 1


def test_the_version_is_told_without_a_command(spanledger):
    done = spanledger("--version")
    assert (done.returncode, len(done.stdout.strip().split("."))) == (0, 3)


def test_budgets_are_set_changed_listed_and_removed_and_bad_ones_are_told_by_field(spanledger, warehouse, tmp_path):
    policy = tmp_path / "spanledger.yaml"
    policy.write_text("budgets: [{name: all, limit_usd: 1000}]\n")

    def budgets(*args):
        return spanledger("budgets", *args, "--data", str(warehouse), "--config", str(policy))

    def rows():
        return {row["name"]: row for row in json.loads(budgets("list", "--format", "json").stdout)["data"]}

    done = budgets("set", "growth", "--limit", "99.95", "--match", "team=growth", "--match", "model_tier=premium", "--steps", "50%,1")
    assert (done.returncode, done.stdout) == (0, "set: growth\n"), done.stderr
    assert budgets("set", "growth", "--limit", "80", "--period", "week", "--match", "team=growth").stdout == "changed: growth\n"
    told = rows()
    assert list(told) == ["all", "growth"]
    assert (told["growth"]["limit_usd"], told["growth"]["period"], told["growth"]["about"]) == ("80", "week", "team=growth")
    assert told["all"]["set_by"] == "policy file"
    assert told["growth"]["set_by"] != "policy file"
    for args, field in (
        (("x", "--limit", "much"), "limit_usd: "),
        (("x", "--limit", "1", "--match", "growth"), "--match growth: "),
        (("x", "--limit", "1", "--match", "planet=mars"), "match.planet: "),
        (("x", "--limit", "1", "--receivers", "nobody"), "receivers"),
        (("x", "--limit", "1", "--period", "eon"), "period: "),
        (("all", "--limit", "1"), "name: "),
        (("<b>", "--limit", "1"), "name: "),
    ):
        done = budgets("set", *args)
        assert (done.returncode, done.stdout) == (2, "")
        assert field in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert budgets("remove", "growth").stdout == "removed: growth\n"
    assert list(rows()) == ["all"]
    assert budgets("remove", "growth").returncode == 1
