-- When something was erased last. Returns: microseconds since the epoch, 0 = never.
SELECT toUnixTimestamp64Micro(max(at)) FROM erased_traces
