-- Delete the rows of a tenant or user and of the traces noted for this erasure. Params: erasure, tenant, user (empty: any).
ALTER TABLE spanledger.$table DELETE
WHERE (({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR substring(user_hash, 1, 16) = substring({user:String}, 1, 16)))
    OR trace_id IN (SELECT trace_id FROM spanledger.erased_traces WHERE erasure = {erasure:String})
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1
