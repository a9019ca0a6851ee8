-- What was posted in (after, until]: entries, the span of their starts, entries taken back; and documents told then.
-- Params: after, until (UInt64, microseconds). One row: entries, withdrawn, documents, first, last (microseconds; 0 where none).
SELECT c.entries AS entries, c.withdrawn AS withdrawn, d.documents AS documents,
    if(c.entries + d.documents = 0, 0, least(if(c.entries > 0, c.low, d.low), if(d.documents > 0, d.low, c.low))) AS first,
    greatest(c.high, d.high) AS last
FROM
(
    SELECT count() AS entries, countIf(is_deleted) AS withdrawn, toUnixTimestamp64Micro(min(ts)) AS low, toUnixTimestamp64Micro(max(ts)) AS high
    FROM spanledger.calls WHERE ver > {after:UInt64} AND ver <= {until:UInt64}
) AS c
CROSS JOIN
(
    SELECT count() AS documents, toUnixTimestamp64Micro(min(ts)) AS low, toUnixTimestamp64Micro(max(ts)) AS high
    FROM spanledger.spans WHERE batch > {after:UInt64} AND batch <= {until:UInt64} AND kind IN ('retriever', 'tool', 'rerank')
) AS d
