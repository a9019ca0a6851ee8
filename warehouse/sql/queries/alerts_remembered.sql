-- What the alert engine goes on from: active alerts, those that ended after a moment, those of periods that are not over. Params: since.
SELECT id, fingerprint, rule, kind, severity, labels, team, state, value, bound, summary, receivers, pending_at, firing_at, resolved_at, held_at, until
FROM spanledger.alerts FINAL
WHERE state IN ('pending', 'firing') OR (state = 'resolved' AND resolved_at >= {since:DateTime64(6, 'UTC')})
    OR until >= {since:DateTime64(6, 'UTC')}
ORDER BY pending_at, id
