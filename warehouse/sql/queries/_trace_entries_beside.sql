-- Columns of a trace's entries that no page draws.
, parent_span_id, response_id, tokens_cache_write, conflict, safety
