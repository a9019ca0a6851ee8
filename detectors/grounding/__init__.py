"""Is a response supported by the context that was retrieved for it? Lexical evidence, small learned models, no LLM.

In: context (text or documents), question or dialogue, response. Out: `Grounding`: a calibrated risk, the floored risk that objectives
average, and per sentence a risk with the offsets of the nearest context sentence. Open `score.py` first, then `features.py` (what is
measured) and `model.py` (how it is judged). `python -m detectors.train` makes the model.
"""

from detectors.grounding.score import Grounding, Sentence, score, score_many

__all__ = ["Grounding", "Sentence", "score", "score_many"]
