-- Tokens by class, and per call.
SELECT
    $names
    calls, billed_calls, tokens_in, tokens_cache_read, tokens_cache_write, tokens_cache_write_1h, tokens_out, tokens_reasoning,
    tokens_audio_in, tokens_audio_out, images,
    tokens_in / nullIf(billed_calls, 0) AS tokens_in_per_call, tokens_out / nullIf(billed_calls, 0) AS tokens_out_per_call,
    tokens_cache_read / nullIf(tokens_in, 0) AS cache_read_share, tokens_reasoning / nullIf(tokens_out, 0) AS reasoning_share
FROM ($source)
ORDER BY $order
