-- Distinct 64-bit hashes of what may link a new span to an old family: trace, response id, agent session.
-- Params: since DateTime64(6, 'UTC'). Returns: key UInt64.
SELECT DISTINCT reinterpretAsUInt64(substring(trace_id, 9, 8)) AS key FROM spans WHERE ts >= {since:DateTime64(6, 'UTC')}
UNION ALL
SELECT DISTINCT xxHash64(response_id) AS key FROM spans WHERE response_id != '' AND ts >= {since:DateTime64(6, 'UTC')}
UNION ALL
SELECT DISTINCT xxHash64(link) AS key FROM spans WHERE link != '' AND ts >= {since:DateTime64(6, 'UTC')}
