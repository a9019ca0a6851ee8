-- Redacted texts of traces, bounded per field. Params: traces (hexadecimal), chars (UInt32).
SELECT
    lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, toUnixTimestamp64Micro(e.ts) AS ts_us, e.kind AS kind,
    substringUTF8(e.prompt, 1, {chars:UInt32}) AS prompt, substringUTF8(e.response, 1, {chars:UInt32}) AS response,
    arrayMap(d -> substringUTF8(d, 1, {chars:UInt32}), e.context) AS context,
    substringUTF8(e.extra['tool_output'], 1, {chars:UInt32}) AS tool_output, e.prompt_hash AS prompt_hash, e.context_hash AS context_hash
FROM spanledger.texts AS e
WHERE e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
