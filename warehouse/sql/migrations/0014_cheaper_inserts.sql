-- A part of one insert is one file, not one per column; merges wait for more parts (default: base 5), so that a row is rewritten less often.
ALTER TABLE spanledger.spans MODIFY SETTING min_bytes_for_wide_part = 67108864, merge_selector_base = 20;
ALTER TABLE spanledger.contents MODIFY SETTING min_bytes_for_wide_part = 67108864, merge_selector_base = 20;
ALTER TABLE spanledger.calls MODIFY SETTING min_bytes_for_wide_part = 16777216, merge_selector_base = 10;

-- JSON of a kilobyte: level 3 is dearer and not smaller.
ALTER TABLE spanledger.spans MODIFY COLUMN facts String CODEC(ZSTD(1));
