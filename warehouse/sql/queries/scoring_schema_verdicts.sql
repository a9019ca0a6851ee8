-- Verdicts of the schema detector that the collector made from unredacted text. Params: traces (hexadecimal).
SELECT lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, JSONExtractString(e.facts, 'schema_verdict') AS verdict
FROM spanledger.journal AS e
WHERE e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)}))) AND verdict != ''
