-- Alerts that are active or ended after a moment, newest first. Params: since.
SELECT id, fingerprint, rule, kind, severity, labels, team, state, value, bound, summary, receivers, pending_at, firing_at, resolved_at, held_at, until
FROM spanledger.alerts FINAL
WHERE state IN ('pending', 'firing') OR (state = 'resolved' AND resolved_at >= {since:DateTime64(6, 'UTC')})
ORDER BY pending_at DESC, id
