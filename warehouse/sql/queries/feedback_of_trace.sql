-- What was said about one trace.
SELECT e.ts AS ts, e.at AS at, lower(hex(e.span_id)) AS span_id, e.kind AS kind, e.name AS name, e.value AS value, e.label AS label,
    e.comment AS comment, e.actor AS actor
FROM (SELECT * FROM spanledger.feedback FINAL) AS e
WHERE e.trace_id = toFixedString(unhex({trace:String}), 16)$where
ORDER BY at
