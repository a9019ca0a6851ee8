"""Words and numbers of a text, with offsets, in a form that compares by meaning.

`tokens("Sales rose to 1,200 in Feb.")` gives the terms sale, rise, to, 1200, in, februari: case,
accents, inflection, spelled numbers, thousands separators and common abbreviations do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from detectors.text.lexicon import NUMBER_WORDS, SAME, SCALES, STOPWORDS
from detectors.text.stem import stem

STOP, CONTENT, NUMBER = 0, 1, 2

_TOKEN = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*")
_CACHE_LIMIT = 200_000
_ORDINAL_SUFFIX = frozenset(("st", "nd", "rd", "th", "s"))


class Token(NamedTuple):
    """One word or number: where it stands and what it is compared by."""

    start: int
    end: int
    term: str
    kind: int  # STOP, CONTENT or NUMBER
    word: str  # lower case, unstemmed
    capital: bool


def plain(text: str) -> str:
    """Lower case without accents; one apostrophe."""
    text = text.replace("’", "'").lower()
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKD", text)
    return "".join(c for c in folded if not unicodedata.combining(c))


def _number(text: str) -> str:
    """``1,200.50`` as ``1200.5``; dotted versions and dates stay apart."""
    if text.count(".") > 1:
        return text
    text = text.replace(",", "")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("0") or "0"


def _normal(surface: str) -> tuple[str, int, str, bool]:
    """Term, kind, lower-case word and capitalisation of one surface form."""
    word = plain(surface)
    if word[0].isdigit():
        return _number(word), NUMBER, word, False
    capital = surface[0].isupper()
    if word in STOPWORDS:
        return word, STOP, word, capital
    if word.endswith("'s"):
        word = word[:-2]
    word = word.strip(".")
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word], NUMBER, word, capital
    same = SAME.get(word, word)
    return stem(same), STOP if same in STOPWORDS else CONTENT, word, capital


def _scaled(number: Token, end: int, scale: float) -> Token:
    """``3.5`` followed by ``million`` as the one number 3500000."""
    try:
        value = float(number.term) * scale
    except ValueError:  # a version or a dotted date
        return number
    return number._replace(end=end, term=_number(f"{value:.6f}"))


_known: dict[str, tuple[str, int, str, bool]] = {}


def tokens(text: str) -> list[Token]:
    """Every word and number of the text in order."""
    if len(_known) > _CACHE_LIMIT:
        _known.clear()
    out: list[Token] = []
    known = _known
    for match in _TOKEN.finditer(text):
        surface = match.group()
        entry = known.get(surface)
        if entry is None:
            entry = known[surface] = _normal(surface)
        start, end = match.span()
        if start and surface in _ORDINAL_SUFFIX and text[start - 1].isdigit():
            continue  # the tail of "1st", "1990s"
        if entry[2] in SCALES and out and out[-1].kind == NUMBER and start - out[-1].end <= 1:
            out[-1] = _scaled(out[-1], end, SCALES[entry[2]])
            continue
        out.append(Token(start, end, *entry))
    return out
