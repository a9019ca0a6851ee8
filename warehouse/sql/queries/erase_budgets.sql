-- Delete every version of these budgets. Params: names.
ALTER TABLE spanledger.$table DELETE WHERE has({names:Array(String)}, name) SETTINGS mutations_sync = 2
