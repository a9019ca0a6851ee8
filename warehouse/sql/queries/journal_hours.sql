-- Hours that hold journal rows or live entries in [since, until). Params: since, until DateTime64(6, 'UTC'). Returns: hour, Unix seconds.
SELECT toUnixTimestamp(hour) AS hour FROM
(
    SELECT DISTINCT toStartOfHour(ts) AS hour FROM spans WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    UNION DISTINCT
    SELECT DISTINCT toStartOfHour(ts) AS hour FROM calls FINAL WHERE is_deleted = 0 AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
)
ORDER BY hour
SETTINGS do_not_merge_across_partitions_select_final = 1
