"""More ways to write what a reader must not get through: every place of a statement, every way to send one."""

from __future__ import annotations

import gzip
import pathlib
from functools import partial

import pytest

READERS = ["admin", "finance", "operator", "auditor", "viewer", "viewer-a", "viewer-none", "operator-a"]
SECRET = "do-not-show-7c1f"

FORMS = r"""
FROM system.processes SELECT query
SELECT * FROM values('a String', (file('/etc/passwd')))
SELECT * FROM values('a String', ('x'), (SELECT query FROM system.processes))
SELECT * FROM numbers((SELECT length(file('/etc/hostname'))))
SELECT * FROM numbers((SELECT count() FROM system.processes))
SELECT 1 PARALLEL WITH SELECT 2
SELECT 1 PARALLEL WITH DROP TABLE calls
(SELECT 1); (SELECT 2)
SELECT 1 INTO/**/OUTFILE '/tmp/spanledger-outfile'
SELECT 1 INTO OUTFILE '/tmp/spanledger-outfile' TRUNCATE
SELECT 1 INTO OUTFILE '/tmp/spanledger-outfile' AND STDOUT
SELECT 1 INTO OUTFILE '/tmp/spanledger-outfile' COMPRESSION 'gzip' LEVEL 3
(SELECT 1) INTO OUTFILE '/tmp/spanledger-outfile'
SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '/tmp/spanledger-outfile'
SHOW TABLES FROM system INTO OUTFILE '/tmp/spanledger-outfile'
SELECT 1 SETTINGS dialect = 'kusto'
SELECT 1 SETTINGS dialect = 'prql'
SELECT 1 SETTINGS allow_experimental_kusto_dialect = 1
SELECT 1 SETTINGS use_query_cache = 1, query_cache_share_between_users = 1
SELECT 1 SETTINGS additional_result_filter = '1'
SELECT 1 SETTINGS cluster_for_parallel_replicas = 'default', enable_parallel_replicas = 2
SELECT 1 SETTINGS implicit_select = 1
1 SETTINGS implicit_select = 1
SELECT 1 SETTINGS SQL_x = 1
SELECT 1 SETTINGS priority = 0
SELECT 1 SETTINGS workload = 'x'
SELECT 1 SETTINGS enable_lightweight_delete = 1
SELECT 1 SETTINGS apply_row_policy_after_final = 0
SELECT count() FROM calls FINAL SETTINGS apply_prewhere_after_final = 0
SELECT 1 SETTINGS final = 0, additional_table_filters = {'spanledger.calls': 'team = \'team-b\''}
SELECT * FROM (SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0))
SELECT 1 IN (SELECT 1 SETTINGS max_execution_time = 0)
WITH x AS (SELECT 1 SETTINGS readonly = 0) SELECT * FROM x
SELECT 1 UNION ALL SELECT 1 SETTINGS readonly = 2
EXPLAIN SETTINGS readonly = 0 SELECT 1
EXPLAIN PIPELINE SELECT * FROM system.processes
EXPLAIN CURRENT TRANSACTION
DESCRIBE TABLE merge('spanledger', 'contents')
DESCRIBE TABLE (SELECT * FROM system.processes)
SHOW COLUMNS FROM system.processes
SHOW FULL COLUMNS FROM processes FROM system
SHOW INDEXES FROM processes FROM system
SHOW ENGINES
SHOW MERGES
SHOW FILESYSTEM CACHES
SHOW DICTIONARIES
SHOW ROLES
SHOW USERS
SHOW POLICIES
SHOW QUOTAS
SHOW PROFILES
SHOW CREATE ROW POLICY p ON calls
EXISTS TABLE system.processes
EXISTS DICTIONARY d
DESC system.processes
SELECT * FROM {CLICKHOUSE_DATABASE:Identifier}.contents
SELECT contents.* FROM ledger
SELECT * FROM `spanledger.contents`
SELECT * FROM spanledger.`\u0063ontents`
SELECT * FROM `system`.`proce\x73ses`
SELECT * FROM SYSTEM.PROCESSES
SELECT * FROM System.processes
SELECT count() FROM ledger AS l WHERE EXISTS (SELECT 1 FROM system.processes)
SELECT count() FROM ledger ASOF JOIN system.processes ON 1
SELECT * FROM ledger PASTE JOIN system.processes
SELECT * FROM ledger, system.processes
SELECT * FROM system.one GLOBAL JOIN system.processes USING dummy
SELECT 1 WHERE 1 GLOBAL IN (SELECT count() FROM system.processes)
SELECT 1 WHERE 1 NOT IN system.query_log
SELECT 1 WHERE (1, 2) IN (system.query_log)
SELECT 1 IN (`system`.`processes`)
SELECT in(1, system.processes)
SELECT globalIn(1, system.processes)
SELECT notIn('x', contents)
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, system.processes WHERE n < 3) SELECT * FROM r
SELECT number FROM numbers(3) ORDER BY number WITH FILL TO (SELECT count() FROM contents)
SELECT count() FROM ledger WINDOW w AS (PARTITION BY file('/etc/hostname'))
SELECT number FROM numbers(2) INTERPOLATE (number AS file('/etc/hostname'))
SELECT number FROM numbers(2) ORDER BY number WITH FILL INTERPOLATE (number AS file('/etc/hostname'))
SELECT DISTINCT ON (file('/etc/hostname')) 1
SELECT 1 LIMIT 1 BY file('/etc/hostname')
SELECT count() FROM ledger GROUP BY GROUPING SETS ((file('/etc/hostname')), ())
SELECT CAST(file('/etc/hostname') AS String)
SELECT file('/etc/hostname')::String
SELECT CASE WHEN 1 THEN file('/etc/hostname') END
SELECT [file('/etc/hostname')][1]
SELECT (file('/etc/hostname'), 1).1
SELECT map('a', file('/etc/hostname'))['a']
SELECT {'a': file('/etc/hostname')}
SELECT sumIf(1, file('/etc/hostname') != '')
SELECT INTERVAL length(file('/etc/hostname')) DAY
SELECT EXTRACT(DAY FROM toDate(file('/etc/hostname')))
SELECT SUBSTRING(file('/etc/hostname') FROM 1 FOR 2)
SELECT TRIM(BOTH 'x' FROM file('/etc/hostname'))
SELECT POSITION('a' IN file('/etc/hostname'))
SELECT file('/etc/hostname') BETWEEN 'a' AND 'b'
SELECT file('/etc/hostname') IS NULL
SELECT NOT file('/etc/hostname')
SELECT -file('/etc/hostname')
SELECT ANY (SELECT prompt FROM contents)
SELECT * APPLY(x -> (SELECT any(prompt) FROM contents)) FROM ledger
SELECT COLUMNS('.*') APPLY toString APPLY (x -> file(x)) FROM ledger
SELECT groupArrayIf(file(model), 1) FROM ledger
SELECT initializeAggregation('groupArrayArray', [file('/etc/hostname')])
SELECT arrayReduce('sum', [length(file('/etc/hostname'))])
SELECT getSubcolumn(tuple(file('/etc/hostname')) , '1')
SELECT runningAccumulate(initializeAggregation('sumState', 1))
SELECT currentUser(), currentProfiles()
SELECT currentRoles(), enabledRoles()
SELECT version(), uptime(), tcpPort()
SELECT buildId(), displayName()
SELECT queryID(), initialQueryID(), connectionId()
SELECT shardNum(), shardCount()
SELECT transactionID()
SELECT authenticatedUser()
SELECT blockSerializedSize(1), blockSize()
SELECT getTypeSerializationStreams('Array(String)')
SELECT filesystemCapacity(), filesystemUnreserved()
SELECT globalVariable('version')
SELECT zookeeperSessionUptime()
SELECT throwIf(1, 'x')
SELECT formatQuery('SELECT 1')
SELECT isDecimalOverflow(1.1, 1)
SELECT generateSerialID('x')
SELECT generateSnowflakeID()
SELECT estimateCompressionRatio(1)
SELECT encrypt('aes-128-ecb', 'x', 'k')
SELECT naiveBayesClassifier('x', 'y')
SELECT stem('en', 'x'), lemmatize('en', 'x'), synonyms('x', 'y')
SELECT detectLanguage('x')
SELECT regionToName(1)
SELECT dictGetHierarchy('d', 1)
SELECT arrayMap(x -> dictGet('d', 'a', x), [1])
SELECT * FROM dictionary(spanledger.d)
SELECT * FROM spanledger.d
SELECT * FROM timeSeriesData('x', 'y')
SELECT * FROM prometheusQuery('x', 'y')
SELECT * FROM ytsaurus('x', 'y', 'z', 'a')
SELECT * FROM arrowFlight('127.0.0.1:1', 'x')
SELECT * FROM iceberg('http://127.0.0.1:1/')
SELECT * FROM icebergLocal('/etc')
SELECT * FROM deltaLakeLocal('/etc')
SELECT * FROM hudi('http://127.0.0.1:1/')
SELECT * FROM paimonLocal('/etc')
SELECT * FROM hive('x', 'y', 'z', 'a', 'b')
SELECT * FROM mergeTreeProjection('spanledger', 'calls', 'p')
SELECT * FROM mergeTreeTextIndex('spanledger', 'contents', 'ix_prompt')
SELECT * FROM mergeTreeAnalyzeIndexes('spanledger', 'calls')
SELECT * FROM filesystem('/etc')
SELECT * FROM primes(10)
SELECT * FROM eval('SELECT 1')
SELECT * FROM cosn('http://127.0.0.1:1/x')
SELECT * FROM oss('http://127.0.0.1:1/x')
SELECT * FROM s3Cluster('c', 'http://127.0.0.1:1/x')
SELECT * FROM view(SELECT * FROM system.processes)
SELECT * FROM (SELECT * FROM view(SELECT * FROM contents))
SELECT * FROM numbers(10) AS n JOIN url('http://127.0.0.1:1/', 'CSV', 'a String') AS u ON 1
SELECT 1 WHERE 1 IN (SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8'))
WITH u AS (SELECT * FROM remote('127.0.0.1:9000', system.one)) SELECT * FROM u
SELECT * FROM cluster('default', view(SELECT 1))
SELECT 1 FORMAT CSV; SELECT 2
SELECT 1;;SELECT 2
;SELECT 1;SELECT 2
SELECT 1 FORMAT Null SETTINGS readonly = 0
SELECT 1 FORMAT ProtobufSingle SETTINGS format_schema = 'x:y'
SELECT 1 FORMAT CapnProto
SELECT 1 FORMAT MySQLWire
SELECT 1 FORMAT PostgreSQLWire
SELECT 1 FORMAT Hash
SELECT 1 FORMAT HiveText
DEALLOCATE x
PREPARE x AS SELECT 1
COPY calls TO '/tmp/x'
START TRANSACTION
COMMIT
SET TRANSACTION SNAPSHOT 1
UNDROP TABLE calls
MOVE USER x TO y
CREATE TABLE x EMPTY AS calls
CREATE OR REPLACE TEMPORARY VIEW x AS SELECT 1
CREATE WINDOW VIEW x AS SELECT 1
CREATE WORKLOAD w
CREATE RESOURCE r (READ DISK d)
CREATE QUOTA q
CREATE SETTINGS PROFILE p
CREATE ROLE r
DROP FUNCTION f
SYSTEM RELOAD CONFIG
SYSTEM SYNC FILE CACHE
SYSTEM ENABLE FAILPOINT x
SYSTEM UNFREEZE WITH NAME 'x'
ALTER TABLE calls FREEZE
ALTER TABLE calls FETCH PARTITION 1 FROM '/x'
ALTER TABLE calls MOVE PARTITION 1 TO DISK 'backups'
ALTER TABLE calls MODIFY QUERY SELECT 1
ALTER TABLE calls ADD PROJECTION p (SELECT team)
ALTER DATABASE spanledger MODIFY SETTING x = 1
ALTER NAMED COLLECTION n SET a = 1
INSERT INTO system.processes VALUES (1)
INSERT INTO TABLE FUNCTION remote('127.0.0.1', 'a.b') VALUES (1)
INSERT INTO calls FROM INFILE '/etc/passwd' FORMAT CSV
INSERT INTO calls SETTINGS async_insert = 1 VALUES (1)
WITH x AS (SELECT 1) INSERT INTO calls SELECT * FROM x
""".strip()

#: For readers of texts these are questions like others; a viewer or the finance department gets nothing of them, wherever they stand.
TEXTS = r"""
FROM contents SELECT *
SELECT * FROM "spanledger"."contents"
SELECT * FROM spanledger . `conte\x6Ets`
SELECT in('x', (SELECT prompt FROM contents))
WITH numbers AS (SELECT * FROM contents) SELECT * FROM numbers
WITH ledger AS (SELECT * FROM contents) SELECT * FROM ledger
WITH (SELECT groupArray(prompt) FROM contents) AS ledger SELECT ledger
SELECT (SELECT * FROM contents LIMIT 1) AS x
SELECT arrayMap(x -> (SELECT any(prompt) FROM contents), [1])
SELECT * FROM (SELECT 1) AS a CROSS JOIN (SELECT * FROM (SELECT * FROM contents)) AS b
SELECT x FROM ledger ARRAY JOIN (SELECT groupArray(prompt) FROM contents) AS x
SELECT 1 QUALIFY (SELECT count() FROM contents) > 0
SELECT 1 HAVING (SELECT count() FROM contents) > 0
SELECT 1 LIMIT (SELECT count() FROM contents)
SELECT 1 OFFSET (SELECT count() FROM contents)
SELECT 1 ORDER BY (SELECT count() FROM contents)
SELECT count() FROM ledger GROUP BY (SELECT any(prompt) FROM contents)
SELECT sum(1) OVER (ORDER BY (SELECT count() FROM contents))
SELECT DATE '2020-01-01' + INTERVAL (SELECT count() FROM contents) DAY
SELECT 'a' = ANY (SELECT prompt FROM contents)
SELECT 'a' = ALL (SELECT prompt FROM contents)
SELECT * EXCEPT(model) REPLACE((SELECT any(prompt) FROM contents) AS team) FROM ledger
SELECT arrayJoin((SELECT groupArray(prompt) FROM contents))
EXPLAIN PLAN json = 1, actions = 1 SELECT prompt FROM contents
""".strip()

FILE = b"SELECT file('/etc/hostname')"


@pytest.mark.parametrize("who", READERS)
def test_no_form_of_a_forbidden_statement_gets_through(house, who):
    refused_to_all = FORMS.split("\n")
    assert len(refused_to_all) >= 200
    for sql in [*refused_to_all, *(TEXTS.split("\n") if who in ("finance", "viewer", "viewer-a", "viewer-none") else [])]:
        status, body = house.ask(who, sql)
        assert status >= 400, (sql, body[:200])
        assert "Code: " in body
        assert SECRET not in body
        assert "root:" not in body
    assert not pathlib.Path("/tmp/spanledger-outfile").exists()


packed = partial(gzip.compress, mtime=0)  # whose bytes are the same every time: they name a test


@pytest.mark.parametrize(
    ("query", "body", "headers"),
    [
        ("query=SELECT+1", b"; SELECT file('/etc/hostname')", {}),
        ("query=SELECT+prompt+FROM", b" contents", {}),
        ("query=SELECT+1&query=SELECT+file('/etc/hostname')", b"", {}),
        ("query=INSERT+INTO+calls+(team)+FORMAT+CSV", b"x\n", {}),
        ("", packed(FILE), {"Content-Encoding": "gzip"}),
        ("", packed(b"SELECT 1") + packed(b"; SELECT file('/etc/hostname')"), {"Content-Encoding": "gzip"}),
        ("", packed(packed(FILE)), {"Content-Encoding": "gzip, gzip"}),
        ("", packed(b"SELECT 1 --" + b" " * 20_000_000), {"Content-Encoding": "gzip"}),
        ("decompress=1", FILE, {}),
        ("", b"query=SELECT+file('/etc/hostname')", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("", b"SELECT 1\0; SELECT file('/etc/hostname')", {}),
        ("", b"\xef\xbb\xbf" + FILE, {}),
        ("", b"SELECT '\xff', file('/etc/hostname')", {}),
        ("", b"SELECT 1", {"X-ClickHouse-Format": "Template"}),
        ("default_format=Template", b"SELECT 1", {}),
        ("database=system", b"SELECT * FROM processes", {}),
        ("", b"SELECT * FROM processes", {"X-ClickHouse-Database": "system"}),
        ("profile=default", b"SELECT 1", {}),
        ("http_response_headers=%7B'X':'y'%7D", b"SELECT 1", {}),
        ("query_id=a%0d%0aX:%20y", b"SELECT 1", {}),
    ],
)
@pytest.mark.parametrize("who", ["admin", "viewer-a"])
def test_no_way_of_sending_gets_a_forbidden_statement_through(house, who, query, body, headers):
    if who == "admin" and body == b" contents":
        pytest.skip("an admin may read texts")
    sent = {"X-ClickHouse-User": who, "X-ClickHouse-Key": "pw", **headers}
    answer = house.http.request("POST", f"{house.url}/?{query}", body=body, headers=sent)
    assert answer.status >= 400, answer.data[:200]


@pytest.mark.parametrize(
    "headers",
    [{"X-ClickHouse-Role": "admin"}, {"X-ClickHouse-Setting-readonly": "0"}, {"X-ClickHouse-SSL-Certificate-Auth": "on"}, {"role": "admin"}],
)
def test_no_header_widens_a_scope(house, headers):
    assert house.ask("viewer-a", "SELECT groupUniqArray(team) FROM calls", headers=headers) == (200, "['team-a']\n")


def test_one_s_session_is_not_another_s(house):
    assert house.ask("instance", "CREATE TEMPORARY TABLE mine AS SELECT 1 AS a", session_id="s1")[0] == 200
    for who in ("admin", "viewer-a"):
        status, body = house.ask(who, "SELECT * FROM mine", session_id="s1")
        assert (status, "UNKNOWN_TABLE" in body) == (404, True)
