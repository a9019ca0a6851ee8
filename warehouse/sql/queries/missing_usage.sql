-- Billed calls that came without usage, or with an estimate, by group.
SELECT
    $names
    sum(s.usage_missing) AS missing_calls, sum(s.usage_estimated) AS estimated_calls, sum(s.billed_calls) AS billed_calls,
    min(s.hour) AS first_hour, max(s.hour) AS last_hour
FROM ($source) AS s
WHERE s.usage_missing + s.usage_estimated > 0
$group
ORDER BY missing_calls DESC, estimated_calls DESC
