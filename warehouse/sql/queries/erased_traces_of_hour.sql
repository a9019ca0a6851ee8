-- Traces with an entry in [since, until) that an erasure has emptied. Params: since, until DateTime64(6, 'UTC'). Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM calls
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')} AND trace_id IN (SELECT trace_id FROM erased_traces)
