-- Delete what expired_rows counts.
ALTER TABLE spanledger.$table DELETE
WHERE ts < {before:DateTime64(6, 'UTC')} AND has({tenants:Array(String)}, tenant_hash) != {others:UInt8}
SETTINGS mutations_sync = 2
