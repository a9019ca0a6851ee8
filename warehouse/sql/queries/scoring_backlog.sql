-- Answers still to be judged and the oldest one's evidence. Params: after, until (UInt64, microseconds).
WITH
    waiting AS
    (
        SELECT trace_id, span_id, max(ver) AS entry_ver
        FROM spanledger.calls
        WHERE ver > {after:UInt64} AND ver <= {until:UInt64} AND is_deleted = 0 AND entry_kind = 'call' AND outcome = 'success'
            AND (response_hash != '' OR (tokens_out > 0 AND tool_calls = 0))
            AND lower(operation) NOT IN ('embeddings', 'embedding', 'embed', 'rerank', 'image', 'image_generation', 'generate_images', 'audio', 'moderation')
        GROUP BY trace_id, span_id
    )
SELECT count() AS answers, min(w.entry_ver) AS oldest
FROM waiting AS w
LEFT JOIN
(
    SELECT trace_id, span_id, max(ver) AS seen_ver
    FROM spanledger.scores
    WHERE detector = 'composite' AND trace_id IN (SELECT trace_id FROM waiting)
    GROUP BY trace_id, span_id
) AS s ON s.trace_id = w.trace_id AND s.span_id = w.span_id
WHERE s.seen_ver < w.entry_ver
