-- The average that an objective speaks of, over one detector's results, straight from the exact base: as the view `verdicts`, without its
-- columns to plan. Hour and detector are part of the sort key, so they may be chosen before FINAL compares versions; the moment
-- is not, so no index may see it.
-- Params: since, until, h_since, h_until (the whole hours around), detector.
SELECT
    count(e.hallucination_score) AS scored, count(e.score) AS judged, count() AS answers, avg(e.hallucination_score) AS score_avg,
    countIf(e.flagged) AS flagged
FROM spanledger.scores AS e FINAL
PREWHERE e.ts >= {h_since:DateTime64(6, 'UTC')} AND e.ts < {h_until:DateTime64(6, 'UTC')} AND e.detector = {detector:String}
WHERE identity(e.ts) >= {since:DateTime64(6, 'UTC')} AND identity(e.ts) < {until:DateTime64(6, 'UTC')} AND e.reason != 'retired'$where
SETTINGS do_not_merge_across_partitions_select_final = 1
