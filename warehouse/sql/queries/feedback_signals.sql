-- Human feedback beside the traffic that it is about, per group: of how many traces people said what. A statement about a whole trace counts
-- for the groups of all its calls, one about a call for the group of that call.
WITH
    traffic AS
    (
        SELECT $names e.trace_id AS trace_id, e.span_id AS span_id, e.members AS members
        FROM spanledger.ledger AS e
        WHERE $within AND e.entry_kind != 'unattributed'$where
    ),
    said AS
    (
        SELECT trace_id, span_id AS about, max(kind = 'thumb') AS rated, max(kind = 'thumb' AND value < 0) AS down,
            max(kind = 'rejection') AS rejected, max(kind = 'escalation') AS escalated, max(kind = 'correction') AS corrected,
            max(kind = 'label') AS labelled, max(kind = 'label' AND if(name = 'grounded', value <= 0, value > 0)) AS bad
        FROM spanledger.feedback FINAL
        WHERE ts >= toStartOfHour({since:DateTime64(6, 'UTC')}) - INTERVAL 1 DAY AND ts < toStartOfHour({until:DateTime64(6, 'UTC')}) + INTERVAL 25 HOUR
        GROUP BY trace_id, span_id
    )
SELECT $keys
    uniqExact(t.trace_id) AS traces, uniqExactIf(t.trace_id, t.rated) AS rated, uniqExactIf(t.trace_id, t.down) AS down,
    uniqExactIf(t.trace_id, t.rejected) AS rejected, uniqExactIf(t.trace_id, t.escalated) AS escalated,
    uniqExactIf(t.trace_id, t.corrected) AS corrected, uniqExactIf(t.trace_id, t.labelled) AS labelled,
    uniqExactIf(t.trace_id, t.bad) AS labelled_bad, down / nullIf(rated, 0) AS negative_rate,
    rejected / nullIf(traces, 0) AS rejection_rate, escalated / nullIf(traces, 0) AS escalation_rate,
    corrected / nullIf(traces, 0) AS correction_rate
FROM
(
    SELECT $keys trace_id, 0 AS rated, 0 AS down, 0 AS rejected, 0 AS escalated, 0 AS corrected, 0 AS labelled, 0 AS bad FROM traffic
    UNION ALL
    SELECT $keys t.trace_id AS trace_id, s.rated, s.down, s.rejected, s.escalated, s.corrected, s.labelled, s.bad
    FROM traffic AS t
    INNER JOIN said AS s ON s.trace_id = t.trace_id
    WHERE s.about = toFixedString('', 8) OR s.about = t.span_id OR has(t.members, s.about)
) AS t
$group
ORDER BY $order
