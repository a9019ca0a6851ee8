-- Every value of some dimensions in a window, and how many calls have it. Returns: dimension, value, calls.
SELECT pair.1 AS dimension, pair.2 AS value, sum(s.calls) AS calls
FROM ($source) AS s
ARRAY JOIN [$pairs] AS pair
GROUP BY dimension, value
ORDER BY dimension, calls DESC, value
