"""Words and numbers of a text, with offsets, in a form that compares by meaning.

`tokens("Sales rose to 1,200 in Feb.")` gives the terms sale, rise, to, 1200, in, februari: case,
accents, inflection, spelled numbers, thousands separators and common abbreviations do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from detectors.text.languages import GERMAN
from detectors.text.lexicon import NUMBER_WORDS, SAME, SCALES, STOPWORDS
from detectors.text.stem import stem

STOP, CONTENT, NUMBER = 0, 1, 2
_GERMAN_SHARE = 10  # one word in ten is a function word of German

_TOKEN = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,'’\u00a0\u202f]\d+)*|[%$€£]")
_ELIDED = re.compile(r"(?:[dljmnstc]|qu|un|dell|all|nell|sull|dall)'(?=\w{2})")  # l'arbre, dell'anno
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})$")
_GROUPED = re.compile(r"\d{1,3}(?:\D\d{3})+$")
_DECIMAL_COMMA = re.compile(r"\d{1,3}(?:\.\d{3})*,(?:\d{1,2}|\d{4,})$|\d{4,},\d+$|0,\d+$")
_CACHE_LIMIT = 200_000
_ORDINAL_SUFFIX = frozenset(("st", "nd", "rd", "th", "s", "er", "ere", "e", "eme", "o", "a", "h"))


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
    """``1,200.50``, ``1.200,50`` and ``1 200,5`` (thin spaces) as ``1200.5``; versions stay as they are.

    ``1.200`` is read as English, 1.2: `readings` knows the other way.
    """
    if _DECIMAL_COMMA.match(text):
        text = text.replace(".", "").replace(",", ".")
    elif text.count(".") > 1:
        if not _GROUPED.match(text):
            return text
        text = text.replace(".", "")
    text = re.sub(r"[^\d.]", "", text)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("0") or "0"


def _normal(surface: str) -> tuple[str, int, str, bool]:
    """Term, kind, lower-case word and capitalisation of one surface form."""
    word = plain(surface)
    if word[0].isdigit():
        return _number(word), NUMBER, word, False
    capital = surface[0].isupper()
    word = _ELIDED.sub("", word, 1) if "'" in word and word not in STOPWORDS else word
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
    german = 0
    known = _known
    for match in _TOKEN.finditer(text):
        surface = match.group()
        entry = known.get(surface)
        if entry is None:
            entry = known[surface] = _normal(surface)
        start, end = match.span()
        if start and text[start - 1].isdigit() and entry[2] in _ORDINAL_SUFFIX:
            continue  # the tail of "1st", "1990s", "8h"
        if entry[2] in SCALES and out and out[-1].kind == NUMBER and start - out[-1].end <= 1:
            out[-1] = _scaled(out[-1], end, SCALES[entry[2]])
            continue
        if entry[1] == NUMBER and (date := _DOTTED_DATE.match(surface)):
            out.extend(Token(start + a, start + b, _number(surface[a:b]), NUMBER, surface[a:b], False) for a, b in map(date.span, (1, 2, 3)))
            continue
        german += entry[1] == STOP and entry[2] in GERMAN
        out.append(Token(start, end, *entry))
    return [t._replace(capital=False) if t.capital else t for t in out] if german > 1 and german * _GERMAN_SHARE > len(out) else out


def readings(token: Token) -> tuple[str, ...]:
    """Other terms that a number may be meant by: ``1.200`` with a point that groups thousands."""
    return (token.word.replace(".", ""),) if token.word.count(".") == 1 and _GROUPED.match(token.word) else ()
