-- Which of these pairs of model names (asked, a line break, answered) are two models. Params: pairs.
SELECT k AS pair_, $switched AS switched
FROM (SELECT arrayJoin({pairs:Array(String)}) AS k, splitByChar('\n', k) AS pair)
