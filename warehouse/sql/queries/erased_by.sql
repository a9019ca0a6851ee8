-- Traces that one erasure has taken. Params: erasure. Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM erased_traces WHERE erasure = {erasure:String}
