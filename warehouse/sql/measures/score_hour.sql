-- What is added up over detector results. A bucket of the histogram is one hundredth of the score.
countIf(e.score IS NOT NULL) AS judged
countIf(e.score IS NULL) AS unjudged
countIf(e.flagged) AS flagged
sumIf(toDecimal64(assumeNotNull(e.score), 9), e.score >= 0 AND e.score <= 1) AS score_sum
countIf(e.hallucination_score IS NOT NULL) AS risk_judged
sumIf(toDecimal64(assumeNotNull(e.hallucination_score), 9), e.hallucination_score >= 0 AND e.hallucination_score <= 1) AS risk_sum
sumMapIf(map(toUInt8(floor(assumeNotNull(e.score) * 100)), toUInt64(1)), e.score >= 0 AND e.score <= 1) AS histogram
sumMap(map(e.label, toUInt64(1))) AS labels
