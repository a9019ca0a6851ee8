-- Was a call answered by another model than it asked for? Not by its own alias or snapshot, nor under another spelling.
-- `gemini-flash-latest` may be of any generation.
$asked != $answered AND arrayExists(
    (asked_, answered_) -> asked_ != '' AND answered_ != '' AND asked_ != answered_ AND asked_ != $answered_alias AND $asked_alias != answered_
        AND NOT (endsWith(lower($asked), 'latest') AND replaceRegexpAll($answered_alias, '-[0-9]+', '') = asked_),
    [$asked_name], [$answered_name])
