-- Cost scaled up by sampling went through floats: a billionth of a dollar could be missing where nothing was sampled at all, and one call in
-- ten stood for 9.99999985. Every hour that the ledger still has is to be rolled up again.
INSERT INTO spanledger.hour_marks (base, hour, writer, seq, is_open)
SELECT DISTINCT 'calls', toStartOfHour(ts), 'touch:scaled_cost', toUnixTimestamp64Micro(now64(6)), 0
FROM spanledger.calls;
