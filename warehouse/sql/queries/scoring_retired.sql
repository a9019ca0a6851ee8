-- Scores of entries that were taken back in (after, until], as rows that take their place. A later posting of the same key counts again.
-- Params: after, until (UInt64, microseconds), since, before (DateTime64). Returns their keys and dimensions.
WITH gone AS
(
    SELECT trace_id, span_id, max(ver) AS gone_ver
    FROM spanledger.calls
    WHERE ver > {after:UInt64} AND ver <= {until:UInt64} AND is_deleted AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {before:DateTime64(6, 'UTC')}
    GROUP BY trace_id, span_id
)
SELECT s.project AS project, s.service AS service, toUnixTimestamp64Micro(s.ts) AS ts, lower(hex(s.trace_id)) AS trace_id,
    lower(hex(s.span_id)) AS span_id, s.detector AS detector, s.detector_version AS detector_version, s.app_id AS app_id, s.team AS team,
    s.tenant_hash AS tenant_hash, s.user_hash AS user_hash, s.env AS env, s.route AS route, s.model AS model, s.model_tier AS model_tier,
    s.prompt_id AS prompt_id, s.prompt_version AS prompt_version, g.gone_ver AS ver
FROM spanledger.verdicts AS s
INNER JOIN gone AS g ON g.trace_id = s.trace_id AND g.span_id = s.span_id
WHERE s.ts >= {since:DateTime64(6, 'UTC')} AND s.ts < {before:DateTime64(6, 'UTC')} AND s.trace_id IN (SELECT trace_id FROM gone)
    AND (s.trace_id, s.span_id) NOT IN
    (
        SELECT trace_id, span_id FROM spanledger.ledger
        WHERE trace_id IN (SELECT trace_id FROM gone) AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {before:DateTime64(6, 'UTC')}
    )
