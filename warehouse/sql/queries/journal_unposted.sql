-- Whether every journal batch has been posted. Returns: behind UInt8 (1 = some batch lies beyond the newest mark).
SELECT toUInt8((SELECT max(batch) FROM spans) > (SELECT max(through) FROM posting_mark)) AS behind
