-- Entries keep their money and lose the person: hashes and free attributes of a tenant's or user's entries are emptied.
ALTER TABLE spanledger.$table
UPDATE user_hash = '', session_hash = '', prompt_hash = '', response_hash = '', context_hash = '', response_id = '', request_id = '',
    attrs = map()
WHERE ({tenant:String} = '' OR tenant_hash = {tenant:String}) AND ({user:String} = '' OR user_hash = {user:String})
SETTINGS mutations_sync = 1
