-- Closed-book answers to the same prompts: same project, prompt fingerprint, context fingerprint and model, at most `most` of each and day, latest first.
-- Params: prompts Array(String), since, until (DateTime64), most (UInt8), chars (UInt32). Returns texts, to be compared prompt by prompt.
SELECT
    e.project AS project, e.app_id AS app_id, e.model AS model, e.prompt_hash AS prompt_hash, e.context_hash AS context_hash,
    lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, toUnixTimestamp64Micro(e.ts) AS ts_us,
    substringUTF8(t.prompt, 1, {chars:UInt32}) AS prompt, substringUTF8(t.response, 1, {chars:UInt32}) AS response
FROM
(
    SELECT project, app_id, model, prompt_hash, context_hash, trace_id, span_id, ts, arrayJoin(if(empty(members), [span_id], members)) AS member
    FROM spanledger.ledger
    WHERE prompt_hash IN {prompts:Array(String)} AND outcome = 'success' AND entry_kind = 'call'
        AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
        AND trace_id NOT IN
        (
            SELECT trace_id FROM spanledger.texts
            WHERE kind IN ('retriever', 'tool', 'rerank') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
                AND (notEmpty(context) OR extra['tool_output'] != '')
        ) -- they had another context: what retrievers and tools told
    ORDER BY ts DESC, trace_id, span_id
    LIMIT {most:UInt8} BY project, app_id, model, prompt_hash, context_hash, toDate(ts)
) AS e
INNER JOIN spanledger.texts AS t ON t.trace_id = e.trace_id AND t.span_id = e.member
WHERE t.ts >= {since:DateTime64(6, 'UTC')} AND t.response != '' AND t.prompt_hash IN {prompts:Array(String)}
ORDER BY e.ts DESC, e.trace_id, e.span_id
