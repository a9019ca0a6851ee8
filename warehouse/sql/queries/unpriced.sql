-- Billed calls without a price, or with part of one, by group: since when, how many, how many tokens.
SELECT
    $names
    sum(s.unpriced_calls) AS unpriced_calls, sum(s.partial_calls) AS partial_calls, sum(s.unpriced_tokens) AS unpriced_tokens,
    min(s.hour) AS first_hour, max(s.hour) AS last_hour
FROM ($source) AS s
WHERE s.unpriced_calls + s.partial_calls > 0
$group
ORDER BY unpriced_calls DESC, partial_calls DESC
