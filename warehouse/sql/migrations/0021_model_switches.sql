-- A call that is answered by a snapshot of what it asked for counts as a model switch no longer: every hour that the ledger still has is to be
-- rolled up again. Frozen hours, whose entries are gone, keep what was counted.
INSERT INTO spanledger.hour_marks (base, hour, writer, seq, is_open)
SELECT DISTINCT 'calls', toStartOfHour(ts), 'touch:model_switches', toUnixTimestamp64Micro(now64(6)), 0
FROM spanledger.calls;
