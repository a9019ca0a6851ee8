-- Back up the whole database into a named backup on the backup disk.
BACKUP DATABASE spanledger TO $target $settings
