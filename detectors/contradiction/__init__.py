"""Do two answers to one prompt disagree, and how often do the answers of a group?

In: a question and two answers, or a group of answers to the same prompt in the same context. Out: `pair` -> (score, flagged),
`rate` -> (rate, n). It earns its place where no context was retrieved (closed-book routes) and as a rate over time; it is a weak judge
of a single answer, and never to be asked about answers from different contexts (research §4). Open `score.py` first.
"""

from detectors.contradiction.score import Rate, pair, pairs, rate

__all__ = ["Rate", "pair", "pairs", "rate"]
