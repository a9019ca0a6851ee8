-- Restore a named backup as a database.
RESTORE DATABASE spanledger AS $database FROM $target
