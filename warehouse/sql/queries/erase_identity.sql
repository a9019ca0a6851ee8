-- Entries keep their money and lose the person: hashes, ids and free attributes of the traces noted for this erasure are emptied.
-- Params: erasure.
ALTER TABLE spanledger.$table
UPDATE user_hash = '', session_hash = '', tenant_hash = '', prompt_hash = '', response_hash = '', context_hash = '', response_id = '', request_id = '',
    attrs = map()
WHERE trace_id IN (SELECT trace_id FROM spanledger.erased_traces WHERE erasure = {erasure:String})
SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1
