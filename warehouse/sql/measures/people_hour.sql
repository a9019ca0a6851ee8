-- Distinct people, as mergeable states; an empty id is nobody.
uniqCombined64StateIf(12)(e.user_hash, e.user_hash != '') AS users
uniqCombined64StateIf(12)(e.session_hash, e.session_hash != '') AS sessions
