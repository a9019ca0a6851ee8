-- Traces that hang together with a span of [since, until) and have a span outside it: same trace, response id or agent session.
-- Params: since, until; from, to (how far to look) DateTime64(6, 'UTC'). Returns: trace, hexadecimal.
WITH inside AS (SELECT trace_id, response_id, link FROM spans WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')})
SELECT DISTINCT lower(hex(trace_id)) AS trace
FROM spans
WHERE ts >= {from:DateTime64(6, 'UTC')} AND ts < {to:DateTime64(6, 'UTC')} AND NOT (ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')})
  AND (trace_id IN (SELECT trace_id FROM inside)
       OR (response_id != '' AND response_id IN (SELECT response_id FROM inside WHERE response_id != ''))
       OR (link != '' AND link IN (SELECT link FROM inside WHERE link != '')))
