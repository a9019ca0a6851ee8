-- Clean hours before a moment keep their rollup rows for ever, whatever happens to their base. Params: base, before, note, seq.
INSERT INTO spanledger.rollup_pub (base, hour, gen, token, thru, entries, frozen, note, seq)
SELECT p.base, p.hour, p.gen, p.token, p.thru, p.entries, 1, {note:String}, {seq:UInt64}
FROM spanledger.rollup_pub AS p FINAL
WHERE p.base = {base:String} AND p.hour < {before:DateTime64(6, 'UTC')} AND p.frozen = 0
    AND (p.hour, p.gen) IN (SELECT hour, gen FROM spanledger.clean_hours WHERE base = {base:String})
