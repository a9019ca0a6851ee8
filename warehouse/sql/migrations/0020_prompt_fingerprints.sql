-- The other two fingerprints of a prompt (prompt_hash of calls and contents is the normalised one): told in the facts, asked for by name.
ALTER TABLE spanledger.spans ADD COLUMN IF NOT EXISTS prompt_exact String ALIAS JSONExtractString(facts, 'prompt_exact');
ALTER TABLE spanledger.spans ADD COLUMN IF NOT EXISTS prompt_template String ALIAS JSONExtractString(facts, 'prompt_template');
