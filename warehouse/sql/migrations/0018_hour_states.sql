-- What decides whether an hour's rollup rows may be read, without the figures behind it: readers with a team scope may see these.
CREATE OR REPLACE VIEW spanledger.hour_states AS
SELECT base, hour, sipHash64(sum(seq)) AS state, max(is_open) AS is_open
FROM spanledger.hour_marks FINAL
GROUP BY base, hour;

-- pair: what the `pairs` of a day (rollup_days) are the xor of.
CREATE OR REPLACE VIEW spanledger.hour_rollups AS
SELECT base, hour, gen, sipHash64(token) AS state, frozen, sipHash64(hour, gen) AS pair
FROM spanledger.rollup_pub FINAL;
