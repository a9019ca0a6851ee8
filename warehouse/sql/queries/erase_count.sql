-- Rows of a tenant or user, and the hours they stand in. Params: tenant, user (empty: any).
SELECT count() AS rows, groupUniqArray(toUnixTimestamp(toStartOfHour(ts))) AS hours
FROM spanledger.$table
WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR user_hash = {user:String})
