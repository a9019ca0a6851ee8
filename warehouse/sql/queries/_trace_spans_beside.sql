-- Columns of a trace's journal that no page draws.
, project, signal, role, provider, response_id, tool_name, safety, attrs
