-- Traces with journal rows newer than a batch. Params: batch UInt64. Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM spans WHERE batch > {batch:UInt64}
