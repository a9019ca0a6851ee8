-- A call read alone costs 64 KiB to decompress in each of its columns: blocks end after 16 KiB. 0.9 bytes a call; parts get them as they merge.
ALTER TABLE spanledger.calls MODIFY SETTING min_compress_block_size = 16384;
ALTER TABLE spanledger.spans MODIFY SETTING min_compress_block_size = 16384;

-- A false alarm of a trace's filter opens every column of a part for nothing: a quarter as many, for 0.4 bytes a call.
ALTER TABLE spanledger.calls DROP INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.calls ADD INDEX IF NOT EXISTS ix_trace trace_id TYPE bloom_filter(0.0025) GRANULARITY 8;
ALTER TABLE spanledger.calls MATERIALIZE INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.spans DROP INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.spans ADD INDEX IF NOT EXISTS ix_trace trace_id TYPE bloom_filter(0.0025) GRANULARITY 8;
ALTER TABLE spanledger.spans MATERIALIZE INDEX IF EXISTS ix_trace;
