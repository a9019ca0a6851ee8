-- Distinct 64-bit hashes of what may link a new span to an old family. kind 0 trace, 1 response id, 2 link.
-- Params: since DateTime64(6, 'UTC'). Returns: kind UInt8, key UInt64.
SELECT DISTINCT toUInt8(0) AS kind, reinterpretAsUInt64(substring(trace_id, 9, 8)) AS key FROM spans WHERE ts >= {since:DateTime64(6, 'UTC')}
UNION ALL
SELECT DISTINCT toUInt8(1) AS kind, xxHash64(response_id) AS key FROM spans WHERE response_id != '' AND ts >= {since:DateTime64(6, 'UTC')}
UNION ALL
SELECT DISTINCT toUInt8(2) AS kind, xxHash64(link) AS key FROM spans WHERE link != '' AND ts >= {since:DateTime64(6, 'UTC')}
