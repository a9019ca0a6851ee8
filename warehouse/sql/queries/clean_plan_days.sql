-- What is known of the days of a window, beside clean_plan: 'd' (state: pairs, n: hours). Params as there.
UNION ALL
SELECT d.base, 'd', toUnixTimestamp(d.hour), toString(d.gen), d.pairs, d.hours, 0
FROM spanledger.rollup_days AS d FINAL
WHERE d.base IN {bases:Array(String)} AND d.hour >= toDateTime({since:UInt32}, 'UTC') AND d.hour < toDateTime({until:UInt32}, 'UTC')
