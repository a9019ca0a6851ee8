"""Text as evidence: words with offsets, stems, sentences, and an index of a context.

In: any string. Out: tokens that compare equal when they mean the same word or number
(`words.py`, `stem.py`, `lexicon.py`), sentences with character offsets (`sentences.py`), and
`ContextIndex` (`context.py`), which answers "is this word, pair, run or number in the context, and
in which sentence?". Open `words.py` first. No model, no I/O, no dependency.
"""
