-- Does a trace hold an entry in the asker's scope?
SELECT count() AS entries FROM spanledger.ledger AS e WHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
    AND (e.project, e.service, toStartOfHour(e.ts)) IN
    (
        SELECT project, service, toStartOfHour(ts) FROM spanledger.calls WHERE trace_id = toFixedString(unhex({trace:String}), 16)
    )$where
