-- Note the traces of a tenant or user: whatever hangs on them goes, whichever span names the person. Params: erasure, tenant, user (empty: any).
INSERT INTO spanledger.erased_traces (erasure, trace_id)
SELECT DISTINCT {erasure:String}, trace_id FROM
(
    SELECT trace_id FROM spanledger.calls WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR substring(user_hash, 1, 16) = substring({user:String}, 1, 16))
    UNION ALL
    SELECT trace_id FROM spanledger.spans WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR substring(user_hash, 1, 16) = substring({user:String}, 1, 16))
)
