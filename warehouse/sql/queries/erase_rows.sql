-- Delete the rows of a tenant or user. Params: tenant, user (empty: any).
ALTER TABLE spanledger.$table DELETE
WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR user_hash = {user:String})
SETTINGS mutations_sync = 1
