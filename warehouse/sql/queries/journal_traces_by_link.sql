-- Traces of these agent sessions. Params: links Array(String). Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM spans WHERE link IN {links:Array(String)}
