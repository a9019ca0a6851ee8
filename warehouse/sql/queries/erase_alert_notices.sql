-- Delete the notices of incidents that are about one tenant or user. Params: tenant, user (empty: any).
ALTER TABLE spanledger.$table DELETE
WHERE ({tenant:String} != '' AND position(incident, concat('tenant_hash=', {tenant:String})) > 0)
    OR ({user:String} != '' AND position(incident, concat('user_hash=', substring({user:String}, 1, 16))) > 0)
SETTINGS mutations_sync = 2
