-- Delete who took on alerts whose labels name a tenant or a user. Params: tenant, user (empty: any).
ALTER TABLE spanledger.$table DELETE
WHERE id IN (
    SELECT id FROM spanledger.alerts
    WHERE ({tenant:String} != '' AND labels['tenant_hash'] = {tenant:String})
        OR ({user:String} != '' AND substring(labels['user_hash'], 1, 16) = substring({user:String}, 1, 16))
)
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1
