-- Rows of some traces, in these hours: both are part of the sort key. Params: among_traces (hexadecimal), among_hours.
 AND toStartOfHour(e.ts) IN {among_hours:Array(DateTime('UTC'))}
    AND e.trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {among_traces:Array(String)})))
