-- Who holds a lease: of the highest epoch the first by (at, holder). Params: name. Returns at most one row: epoch, holder, expires_at.
SELECT epoch, holder, expires_at
FROM spanledger.leases
WHERE name = {name:String}
ORDER BY epoch DESC, at, holder
LIMIT 1
