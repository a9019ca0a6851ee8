-- Copy the judged answers of a window into decisions; again: the same rows with a newer ver. Params: since, until, ver.
INSERT INTO spanledger.decisions
SELECT e.ts, e.project, e.trace_id, e.span_id, e.app_id, e.team, e.tenant_hash, e.env, e.provider, e.model, e.prompt_id,
    e.prompt_version, e.prompt_hash, e.response_hash, e.context_hash, e.outcome, v.risk, v.scores, v.versions, v.flagged,
    f.reviewer, f.note, {ver:UInt64}
FROM
(
    SELECT * FROM spanledger.ledger WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
) AS e
INNER JOIN
(
    SELECT trace_id, span_id, maxIf(hallucination_score, detector = 'composite') AS risk,
        CAST(groupArrayIf((detector, toFloat32(assumeNotNull(score))), score IS NOT NULL), 'Map(LowCardinality(String), Float32)') AS scores,
        CAST(groupArray((detector, detector_version)), 'Map(LowCardinality(String), String)') AS versions, max(flagged) AS flagged
    FROM spanledger.verdicts
    WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    GROUP BY trace_id, span_id
) AS v ON e.trace_id = v.trace_id AND e.span_id = v.span_id
LEFT JOIN
(
    SELECT trace_id, span_id, argMax(actor, at) AS reviewer, argMax(comment, at) AS note
    FROM spanledger.feedback FINAL
    WHERE kind IN ('correction', 'review') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    GROUP BY trace_id, span_id
) AS f ON e.trace_id = f.trace_id AND e.span_id = f.span_id
