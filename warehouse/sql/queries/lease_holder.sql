-- Who holds a lease: of the highest epoch the first by (at, holder), and how many claim that epoch. Params: name.
-- Returns at most one row: epoch, holder, expires_at, claims.
SELECT epoch, holder, expires_at, uniqExact(holder) OVER (PARTITION BY epoch) AS claims
FROM spanledger.leases
WHERE name = {name:String}
ORDER BY epoch DESC, at, holder
LIMIT 1
