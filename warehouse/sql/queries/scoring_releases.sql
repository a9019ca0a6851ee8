-- Answers of two releases of an app with their texts: a uniform sample by prompt context of at most `rows` of each release.
-- context_hash: of what the call and the retrievers and tools of its trace told.
-- Params: app, baseline, candidate String, by_model UInt8 (else by prompt version), since, until (DateTime64), rows, chars (UInt32).
SELECT e.release AS release, concat(e.context_hash, '/', d.told) AS context_hash, substringUTF8(t.prompt, 1, {chars:UInt32}) AS prompt,
    substringUTF8(t.response, 1, {chars:UInt32}) AS response
FROM
(
    SELECT if({by_model:UInt8} = 1, model, prompt_version) AS release, context_hash, trace_id, ts,
        arrayJoin(if(empty(members), [span_id], members)) AS member
    FROM spanledger.ledger
    WHERE app_id = {app:String} AND outcome = 'success' AND entry_kind = 'call' AND response_hash != ''
        AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
        AND release IN ({baseline:String}, {candidate:String})
    ORDER BY cityHash64(if(context_hash = '', prompt_hash, context_hash)), trace_id
    LIMIT {rows:UInt32} BY release
) AS e
INNER JOIN spanledger.texts AS t ON t.trace_id = e.trace_id AND t.span_id = e.member
LEFT JOIN
(
    SELECT trace_id, toString(cityHash64(arraySort(groupUniqArray((context_hash, extra['tool_output']))))) AS told
    FROM spanledger.texts
    WHERE kind IN ('retriever', 'tool', 'rerank') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    GROUP BY trace_id
) AS d ON d.trace_id = e.trace_id
WHERE t.ts >= {since:DateTime64(6, 'UTC')} AND t.ts < {until:DateTime64(6, 'UTC')} AND t.response != ''
