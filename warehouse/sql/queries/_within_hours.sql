-- The whole hours around [since, until). The hour is part of the sort key: it may be chosen before FINAL compares versions.
e.ts >= toStartOfHour({since:DateTime64(6, 'UTC')})
    AND e.ts < toStartOfHour({until:DateTime64(6, 'UTC')} - INTERVAL 1 MICROSECOND) + INTERVAL 1 HOUR
