-- When the riskiest answers of a long window were given: what is needed to sort them, and no more. Conditions and order as in worst_answers.
SELECT e.ts AS ts
FROM spanledger.scores AS e FINAL
PREWHERE e.ts >= {h_since:DateTime64(6, 'UTC')} AND e.ts < {h_until:DateTime64(6, 'UTC')} AND e.detector = {detector:String}
WHERE identity(e.ts) >= {since:DateTime64(6, 'UTC')} AND identity(e.ts) < {until:DateTime64(6, 'UTC')} AND e.reason != 'retired'
    AND e.score IS NOT NULL$where
ORDER BY coalesce(e.hallucination_score, e.score) DESC, e.score DESC, e.ts DESC
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
