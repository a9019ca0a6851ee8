-- Scores of entries that were taken back (posted under another key since) stay in the table as `retired`, and count nowhere.
CREATE OR REPLACE VIEW spanledger.verdicts AS
SELECT * FROM spanledger.scores FINAL
WHERE reason != 'retired'
SETTINGS do_not_merge_across_partitions_select_final = 1;
