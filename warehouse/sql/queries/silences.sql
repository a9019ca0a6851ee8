-- Silences that end after a moment. Params: since.
SELECT id, rules, matchers, starts_at, ends_at, comment, actor, at
FROM spanledger.silences FINAL
WHERE ends_at > {since:DateTime64(6, 'UTC')}
ORDER BY starts_at, id
