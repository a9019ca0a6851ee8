-- Distinct users and sessions per group.
SELECT $names finalizeAggregation(s.users) AS users, finalizeAggregation(s.sessions) AS sessions
FROM ($source) AS s
ORDER BY $order
