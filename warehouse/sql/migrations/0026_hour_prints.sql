-- Whether anything has changed of what decides which rollup rows count, without the figures behind it: a plan that was looked up before is good
-- for as long as these numbers stay. Every row has a later `seq` than the one it replaces, and none is taken back.
CREATE OR REPLACE VIEW spanledger.hour_prints AS
SELECT 'marks' AS of, count() AS held, sum(sipHash64(base, hour, writer, seq, is_open)) AS print FROM spanledger.hour_marks
UNION ALL
SELECT 'publications', count(), sum(sipHash64(base, hour, gen, token, frozen, seq)) FROM spanledger.rollup_pub
UNION ALL
SELECT 'days', count(), sum(sipHash64(base, hour, gen, pairs, hours, seq)) FROM spanledger.rollup_days;
