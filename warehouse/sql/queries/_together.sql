-- Days, hours and moments put together.
SELECT $names $sums
FROM ($parts) AS s
$group
