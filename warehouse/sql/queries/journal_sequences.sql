-- Where a writer goes on counting. Returns: highest batch of the journal, highest ver of the ledger.
SELECT (SELECT max(batch) FROM spans), (SELECT max(ver) FROM calls)
