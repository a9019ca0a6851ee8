-- The newest entry of the audit log. Returns: seq, hash; no row when the log is empty.
SELECT seq, hash FROM audit_log ORDER BY seq DESC, at DESC LIMIT 1
