-- Rows of journal and ledger.
SELECT (SELECT count() FROM spanledger.spans) + (SELECT count() FROM spanledger.calls) AS rows
