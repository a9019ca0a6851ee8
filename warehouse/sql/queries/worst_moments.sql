-- Where the riskiest answers of a long window are, in all versions of them: what is needed to sort them, and their services. Not exact where an
-- answer was judged again: who asks compares with worst_answers, which is.
SELECT e.ts AS ts, coalesce(e.hallucination_score, e.score) AS risk, e.score AS score, e.service AS service
FROM spanledger.scores AS e
PREWHERE e.ts >= {since:DateTime64(6, 'UTC')} AND e.ts < {until:DateTime64(6, 'UTC')} AND e.detector = {detector:String}
WHERE e.score IS NOT NULL$where
ORDER BY risk DESC, score DESC, ts DESC
LIMIT {rows:UInt32}
