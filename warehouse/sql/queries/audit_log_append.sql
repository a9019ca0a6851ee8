-- One more entry of the audit log.
-- Params: seq UInt64, at Int64 (microseconds since the epoch), actor, action, subject, detail, prev, hash String.
INSERT INTO audit_log (seq, at, actor, action, subject, detail, prev_hash, hash)
SELECT {seq:UInt64}, fromUnixTimestamp64Micro({at:Int64}, 'UTC'), {actor:String}, {action:String}, {subject:String}, {detail:String}, {prev:String}, {hash:String}
