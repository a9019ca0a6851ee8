-- Hashes of persons and texts keep 64 of their 128 bits (warehouse/inserts.py cuts new ones): half of an incompressible fifth of a row.
-- Nothing to do on parts without long ones. The hours are to be rolled up again: states of distinct people are made of the hashes.
ALTER TABLE spanledger.spans UPDATE user_hash = substring(user_hash, 1, 16) WHERE length(user_hash) > 16 SETTINGS mutations_sync = 1;
ALTER TABLE spanledger.contents UPDATE user_hash = substring(user_hash, 1, 16), prompt_hash = substring(prompt_hash, 1, 16),
    context_hash = substring(context_hash, 1, 16)
WHERE length(user_hash) > 16 OR length(prompt_hash) > 16 OR length(context_hash) > 16 SETTINGS mutations_sync = 1;
ALTER TABLE spanledger.calls UPDATE user_hash = substring(user_hash, 1, 16), session_hash = substring(session_hash, 1, 16),
    prompt_hash = substring(prompt_hash, 1, 16), response_hash = substring(response_hash, 1, 16), context_hash = substring(context_hash, 1, 16)
WHERE length(user_hash) > 16 OR length(session_hash) > 16 OR length(prompt_hash) > 16 OR length(response_hash) > 16 OR length(context_hash) > 16
SETTINGS mutations_sync = 1;
ALTER TABLE spanledger.scores UPDATE user_hash = substring(user_hash, 1, 16) WHERE length(user_hash) > 16 SETTINGS mutations_sync = 1;
ALTER TABLE spanledger.decisions UPDATE prompt_hash = substring(prompt_hash, 1, 16), response_hash = substring(response_hash, 1, 16),
    context_hash = substring(context_hash, 1, 16)
WHERE length(prompt_hash) > 16 OR length(response_hash) > 16 OR length(context_hash) > 16 SETTINGS mutations_sync = 1;
ALTER TABLE spanledger.rollup_pub DELETE WHERE frozen = 0 SETTINGS mutations_sync = 1;
