-- Text is stored as the server's rule for the size of a part says (`compression` in warehouse/config and docker/clickhouse): fresh parts quickly,
-- what merges make of them (16 MiB and more) densely. An insert of text costs a quarter less; it is read through once more by a merge anyway.
ALTER TABLE spanledger.contents MODIFY COLUMN prompt String CODEC(Default);
ALTER TABLE spanledger.contents MODIFY COLUMN response String CODEC(Default);

-- Columns that pages read stay as quick to read in any part.
ALTER TABLE spanledger.spans MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.calls MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.scores MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.spend_hour MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.prompt_hour MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.score_hour MODIFY SETTING default_compression_codec = 'LZ4';
ALTER TABLE spanledger.people_hour MODIFY SETTING default_compression_codec = 'LZ4';
