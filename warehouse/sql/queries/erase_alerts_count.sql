-- Alerts whose labels name a tenant or a user. Params: tenant, user (empty: any).
SELECT count() AS rows
FROM spanledger.$table
WHERE ({tenant:String} != '' AND labels['tenant_hash'] = {tenant:String})
    OR ({user:String} != '' AND substring(labels['user_hash'], 1, 16) = substring({user:String}, 1, 16))
