-- The services that a choice of apps, teams, … has to do with: the sort key then skips the others' rows. Exact: a service is part of a row's
-- key, and every version of a row is looked at, the one that counts among them. Worth 5 ms where more than a few columns are added up.
-- GLOBAL: over a Distributed table, asked once.
 AND e.service GLOBAL IN (SELECT e.service FROM spanledger.calls AS e PREWHERE $hours WHERE true$where)
