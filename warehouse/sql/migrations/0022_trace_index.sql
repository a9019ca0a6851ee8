-- A trace's filter covers eight granules, not one: as many bits, a tenth of the filters, and false alarms in one part of ten instead of every
-- second. Parts without it are read whole until it is made, in the background.
ALTER TABLE spanledger.calls DROP INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.calls ADD INDEX IF NOT EXISTS ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 8;
ALTER TABLE spanledger.calls MATERIALIZE INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.spans DROP INDEX IF EXISTS ix_trace;
ALTER TABLE spanledger.spans ADD INDEX IF NOT EXISTS ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 8;
ALTER TABLE spanledger.spans MATERIALIZE INDEX IF EXISTS ix_trace;
