-- Safety per group (release, app, …): violations told by providers' filters, guardrails and policy checks; filtered answers; refusals.
SELECT $names count() AS calls, sum(e.safety) AS violations, countIf(e.safety > 0) AS calls_with_violations, countIf(e.outcome = 'filtered') AS filtered,
    countIf(v.refused) AS refusals, countIf(v.judged) AS judged, arraySort(groupUniqArrayArray(e.safety_types)) AS types
FROM spanledger.ledger AS e
LEFT JOIN
(
    SELECT trace_id, span_id, true AS judged, max(label = 'refusal') AS refused
    FROM spanledger.verdicts AS e
    WHERE e.detector = 'composite' AND $within
    GROUP BY trace_id, span_id
) AS v ON v.trace_id = e.trace_id AND v.span_id = e.span_id
WHERE $within AND e.entry_kind != 'unattributed'$where
$group
ORDER BY $order
