-- The name (as in _model_name) without the date or number of a snapshot at its end: 20250929, 2024-08-06, 08-2024, 0613, 2411, 250115, 001, v1,
-- preview-05-06. One ending, once: of two snapshots of a model, neither is the other's.
replaceRegexpOne($name, '-(?:(?:preview|exp|experimental)-(?:[0-9]{4}|[0-9]{2}-[0-9]{2}|[0-9]{2}-20[0-9]{2})|20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{2}-20[0-9]{2}|2[2-9](?:0[1-9]|1[0-2])(?:[0-3][0-9])?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|0[0-9]{2}|v[0-9]+)\\z', '')
