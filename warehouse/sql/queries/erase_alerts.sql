-- Delete the alerts whose labels name a tenant or a user. Params: tenant, user (empty: any). After what hangs on them.
ALTER TABLE spanledger.$table DELETE
WHERE ({tenant:String} != '' AND labels['tenant_hash'] = {tenant:String})
    OR ({user:String} != '' AND substring(labels['user_hash'], 1, 16) = substring({user:String}, 1, 16))
SETTINGS mutations_sync = 2
