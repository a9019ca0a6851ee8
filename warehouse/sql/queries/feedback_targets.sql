-- The calls that statements are about. Params: traces (hexadecimal). Returns ids in hexadecimal, members, and what feedback copies.
SELECT lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, arrayMap(m -> lower(hex(m)), e.members) AS members, e.ts AS ts,
    e.project AS project, e.app_id AS app_id, e.team AS team, e.tenant_hash AS tenant_hash, e.user_hash AS user_hash
FROM spanledger.ledger AS e
WHERE e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
ORDER BY e.ts, span_id
