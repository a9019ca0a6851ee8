-- How far posting is behind the journal, and when things were last seen.
SELECT
    (SELECT max(batch) FROM spanledger.spans) AS journal_batch,
    (SELECT max(through) FROM spanledger.posting_mark) AS posted_through,
    (SELECT max(at) FROM spanledger.posting_mark) AS posted_at,
    (SELECT max(end_ts) FROM spanledger.spans) AS newest_span,
    (SELECT max(ts) FROM spanledger.calls) AS newest_entry,
    now64(6, 'UTC') AS now
