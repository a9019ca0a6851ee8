-- A row starts in [since, until). Indexes see the whole hours around it alone: the hour is part of the sort key, the moment is not, and a part
-- that is left out because all its moments lie beyond an edge may hold the last version of a row that was moved within its hour.
e.ts >= toStartOfHour({since:DateTime64(6, 'UTC')})
    AND e.ts < toStartOfHour({until:DateTime64(6, 'UTC')} - INTERVAL 1 MICROSECOND) + INTERVAL 1 HOUR
    AND identity(e.ts) >= {since:DateTime64(6, 'UTC')} AND identity(e.ts) < {until:DateTime64(6, 'UTC')}
