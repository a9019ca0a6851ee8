-- Rows of some tenants (or of all but some) before a moment, and their hours. Params: before, tenants, others.
SELECT count() AS rows, min(ts) AS first, max(ts) AS last
FROM spanledger.$table
WHERE ts < {before:DateTime64(6, 'UTC')} AND has({tenants:Array(String)}, tenant_hash) != {others:UInt8}
