-- What links some traces to others: response ids and agent sessions. Params: traces (hexadecimal).
SELECT groupUniqArrayIf(response_id, response_id != '') AS responses, groupUniqArrayIf(link, link != '') AS links
FROM spanledger.spans
WHERE trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
