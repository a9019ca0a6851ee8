-- What is known of the hours and days of a window: 'p' publications (n: frozen, pair: what a day's `pairs` is the xor of), 'm' marks (n: open),
-- 'd' days (state: pairs, n: hours). In one plain statement: joining them in the engine costs twice as much.
-- Params: bases, since, until. Returns: base, kind, at (Unix seconds), gen, state, n, pair.
SELECT p.base AS base, 'p' AS kind, toUnixTimestamp(p.hour) AS at, toString(p.gen) AS gen, p.state AS state, p.frozen AS n, p.pair AS pair
FROM spanledger.hour_rollups AS p
WHERE p.base IN {bases:Array(String)} AND p.hour >= {since:DateTime64(6, 'UTC')} AND p.hour < {until:DateTime64(6, 'UTC')}
UNION ALL
SELECT m.base, 'm', toUnixTimestamp(m.hour), '', m.state, m.is_open, 0
FROM spanledger.hour_states AS m
WHERE m.base IN {bases:Array(String)} AND m.hour >= {since:DateTime64(6, 'UTC')} AND m.hour < {until:DateTime64(6, 'UTC')}
UNION ALL
SELECT d.base, 'd', toUnixTimestamp(d.hour), toString(d.gen), d.pairs, d.hours, 0
FROM spanledger.rollup_days AS d FINAL
WHERE d.base IN {bases:Array(String)} AND d.hour >= {since:DateTime64(6, 'UTC')} AND d.hour < {until:DateTime64(6, 'UTC')}
