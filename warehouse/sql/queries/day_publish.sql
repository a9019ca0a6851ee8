-- From now on the day has these rows, which stand for these hours. Params: base, day (Unix seconds), gen, pairs, n, seq.
INSERT INTO spanledger.rollup_days (base, hour, gen, pairs, hours, seq)
SELECT {base:String}, toDateTime({day:UInt32}, 'UTC'), {gen:UUID}, {pairs:UInt64}, {n:UInt8}, {seq:UInt64}
