-- Live entries of some traces, every column of the ledger (ids binary). Params: traces (hexadecimal).
SELECT * FROM spanledger.ledger
WHERE trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
ORDER BY ts, trace_id, span_id
