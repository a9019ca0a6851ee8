-- Delete the decisions about a tenant's or user's calls. Params: tenant, user (empty: any). Before the calls lose the person.
ALTER TABLE spanledger.$table DELETE
WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String})
    AND ({user:String} = '' OR (trace_id, span_id) IN (SELECT trace_id, span_id FROM spanledger.calls WHERE substring(user_hash, 1, 16) = substring({user:String}, 1, 16)))
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1
