-- The audit log in order. Params: after UInt64 (exclusive), most UInt64.
SELECT seq, toUnixTimestamp64Micro(at) AS at_us, actor, action, subject, detail, prev_hash, hash
FROM audit_log WHERE seq > {after:UInt64} ORDER BY seq, at LIMIT {most:UInt64}
