-- What is known of the hours of a window: 'p' publications (n: frozen, pair: what a day's `pairs` is the xor of), 'm' marks (n: open); of its days
-- see clean_plan_days. In one plain statement: joining them in the engine costs twice as much.
-- Params: bases, since, until (Unix seconds). Returns: base, kind, at (Unix seconds), gen, state, n, pair.
SELECT p.base AS base, 'p' AS kind, toUnixTimestamp(p.hour) AS at, toString(p.gen) AS gen, p.state AS state, p.frozen AS n, p.pair AS pair
FROM spanledger.hour_rollups AS p
WHERE p.base IN {bases:Array(String)} AND p.hour >= toDateTime({since:UInt32}, 'UTC') AND p.hour < toDateTime({until:UInt32}, 'UTC')
UNION ALL
SELECT m.base, 'm', toUnixTimestamp(m.hour), '', m.state, m.is_open, 0
FROM spanledger.hour_states AS m
WHERE m.base IN {bases:Array(String)} AND m.hour >= toDateTime({since:UInt32}, 'UTC') AND m.hour < toDateTime({until:UInt32}, 'UTC')
