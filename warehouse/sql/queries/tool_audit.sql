-- Tool calls of the journal in order of time: what an agent did. Of traces that have an entry in the asker's scope.
SELECT e.ts AS ts, lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, lower(hex(e.parent_span_id)) AS parent_span_id,
    e.service AS service, e.tool_name AS tool_name, e.name AS name, e.status AS status, JSONExtractString(e.facts, 'error_type') AS error_type,
    JSONExtractString(e.facts, 'outcome') AS outcome, dateDiff('microsecond', e.ts, e.end_ts) / 1000 AS duration_ms,
    e.user_hash AS user_hash, e.link AS link, t.extra['tool_input'] AS tool_input, t.extra['tool_output'] AS tool_output
FROM
(
    SELECT * FROM spanledger.journal AS e
    WHERE $within AND kind = 'tool'
        AND trace_id IN
        (
            SELECT trace_id FROM spanledger.ledger AS e
            WHERE e.ts >= toStartOfHour({since:DateTime64(6, 'UTC')}) - INTERVAL 1 DAY AND e.ts < toStartOfHour({until:DateTime64(6, 'UTC')}) + INTERVAL 25 HOUR$where
        )
    ORDER BY ts DESC LIMIT {rows:UInt32}
) AS e
LEFT JOIN
(
    SELECT trace_id, span_id, extra FROM spanledger.texts AS e
    WHERE $within AND kind = 'tool' AND {texts:UInt8} = 1
) AS t ON e.trace_id = t.trace_id AND e.span_id = t.span_id
ORDER BY ts
