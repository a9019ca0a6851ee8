-- Traces that hold one of these provider response ids. Params: responses Array(String). Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM spans WHERE response_id IN {responses:Array(String)}
