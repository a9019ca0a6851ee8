-- Budgets that people have set, by name. No params.
SELECT name, document, actor, at FROM spanledger.budgets FINAL WHERE is_deleted = 0 ORDER BY name
