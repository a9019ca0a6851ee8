-- Whether journal rows wait to be posted. Returns: behind (0 or 1), through: the batch that posting has come to.
-- The index on batches leaves out what is older.
WITH (SELECT max(through) FROM spanledger.posting_mark) AS mark
SELECT (SELECT count() FROM (SELECT 1 FROM spanledger.spans WHERE batch > mark LIMIT 1)) AS behind, mark AS through
