-- The average that an objective speaks of, over one detector's results, straight from the exact base.
SELECT
    countIf(e.hallucination_score IS NOT NULL) AS scored, countIf(e.score IS NOT NULL) AS judged, count() AS answers,
    avg(e.hallucination_score) AS score_avg, avg(e.score) AS raw_avg, countIf(e.flagged) AS flagged
FROM spanledger.verdicts AS e
WHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')} AND e.detector = {detector:String}$where
