-- Notices that wait, and the latest of every receiver and incident told after a moment. Params: since.
SELECT id, receiver, incident, reason, told, state, attempts, error, at, next_at
FROM spanledger.alert_notices FINAL
WHERE state = 'queued' OR at >= {since:DateTime64(6, 'UTC')}
ORDER BY at DESC, id
LIMIT 1 BY receiver, incident, state = 'queued'
