-- How many entries of each trace the asker may see. Params: traces (hexadecimal).
SELECT lower(hex(e.trace_id)) AS trace_id, count() AS entries
FROM spanledger.ledger AS e
WHERE e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
GROUP BY e.trace_id
