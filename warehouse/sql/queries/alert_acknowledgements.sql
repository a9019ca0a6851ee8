-- Who took alerts on first. Params: ids.
SELECT id, actor, comment, at FROM spanledger.alert_acknowledgements WHERE id IN {ids:Array(String)} ORDER BY at LIMIT 1 BY id
