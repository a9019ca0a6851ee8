-- What the newest entry says of the policy in force. Returns: detail; no row when nothing was noted yet.
SELECT detail FROM audit_log WHERE action IN ('config_loaded', 'config_changed') ORDER BY seq DESC, at DESC LIMIT 1
