-- The book-keeping's print (0026) as one sum over the rows of its three tables: planning three sums costs half as much again. An hour and a sequence
-- number tell a row: what replaces another has a later number. Two writers
-- that number theirs alike in one microsecond add up to another sum all the same.
CREATE OR REPLACE VIEW spanledger.hour_prints AS
SELECT 'all' AS of, count() AS held, sum(sipHash64(hour, seq)) AS print
FROM
(
    SELECT hour, seq FROM spanledger.hour_marks
    UNION ALL
    SELECT hour, seq FROM spanledger.rollup_pub
    UNION ALL
    SELECT hour, seq FROM spanledger.rollup_days
);
