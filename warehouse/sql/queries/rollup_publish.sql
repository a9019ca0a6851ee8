-- From now on these rollup rows count for the hour, as long as its token is this one.
INSERT INTO spanledger.rollup_pub (base, hour, gen, token, thru, entries, frozen, note, seq)
SELECT {base:String}, toDateTime(row.1, 'UTC'), {gen:UUID}, row.2, row.3, row.4, 0, '', {seq:UInt64}
FROM (SELECT arrayJoin({rows:Array(Tuple(UInt32, UInt64, UInt64, UInt64))}) AS row)
