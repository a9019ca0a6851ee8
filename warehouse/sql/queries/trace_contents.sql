-- Redacted texts of one trace in order of time.
SELECT e.ts AS ts, lower(hex(e.span_id)) AS span_id, e.kind AS kind, e.prompt AS prompt, e.response AS response, e.context AS context,
    e.extra AS extra
FROM spanledger.texts AS e
WHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
    AND (e.project, e.service, toStartOfHour(e.ts)) IN
    (
        SELECT project, service, toStartOfHour(ts) FROM spanledger.contents WHERE trace_id = toFixedString(unhex({trace:String}), 16)
    )
ORDER BY ts, span_id
