-- Traces with a span or an entry in a window, in pages. Params: since, until, after (hexadecimal), rows.
SELECT lower(hex(trace_id)) AS trace
FROM
(
    SELECT trace_id FROM spanledger.spans WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    UNION DISTINCT
    SELECT trace_id FROM spanledger.ledger WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
)
WHERE trace_id > toFixedString(unhex({after:String}), 16) OR {first:UInt8} = 1
ORDER BY trace_id
LIMIT {rows:UInt32}
