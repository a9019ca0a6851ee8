"""What kind of sentence it is: a refusal, advice, a conclusion, a citation of a numbered passage."""

from __future__ import annotations

import re
from functools import lru_cache

from detectors.text.words import Token, tokens

_REFUSES = re.compile(
    r"\b(?:unable|not able|cannot|can't|can not|couldn't) to? ?(?:\w+ )?(?:answer|provide|determine|find|help|assist)"
    r"|\b(?:i'm|i am) sorry|\bapologi[sz]e|\b(?:not|in)(?: ha\w+| have)? ?(?:enough|sufficient) information",
    re.I,
)
_DENIES = re.compile(
    r"(?:\b(?:not|never|none|neither|nor|no|cannot)|n['’]t)\b[\w ,'’]{0,30}"
    r"\b(?:mention|state|specif|provid|discuss|address|contain|includ|explain|describe|information|indicat|clear|say|list|give|cover|found|find|tell|know|have)"
    r"|\b(?:kein\w*|nicht\w*)\b[\w ,'äöüß]{0,40}\b(?:angabe|information|erwähn|genannt|hinweis|enthalten|bekannt|hervor)|\bsteht nichts\b"
    r"|\b(?:ne|n[’'])\s?(?:\w+ ){1,2}(?:pas|aucun)\b|\baucune (?:information|mention|indication)"
    r"|\b(?:no|non|não|nao)\b (?:se |es |è |si |hay |ci sono |há )?(?:\w+ )?(?:figura|mencion|menzion|especific|specific|indic|consta|inform)"
    r"|\b(?:niet|geen)\b[\w ,]{0,30}\b(?:vermeld|genoemd|informatie|bekend)",
    re.I,
)
_MAY_DENY = re.compile(r"n['’]t\b|\b(?:n[oeiaã'’]|kei|auc|gee|cannot)", re.I)  # how every denial begins: cheap, for the many that do not
_ADVISES = re.compile(
    r"\bimportant to|\bnote that|\bkeep in mind|\bmay vary|\bvar(?:y|ies)\b|\bdepend(?:s|ing) on|\bconsult|\brecommended"
    r"|\bensure|\bmake sure|\bbe sure|\bbest to|\byou (?:should|may|might|can) (?:also )?|\bworth noting|\balways\b|\bit's (?:best|also|essential)",
    re.I,
)
_CONCLUDES = re.compile(r"^\W*(?:therefore|overall|in conclusion|in summary|thus|so,|hence|to summarize|in short|to sum|finally)\b", re.I)
_EXAMPLE = re.compile(r"\bfor example|\bsuch as|\bfor instance|\be\.g|\blike\b|\bincluding\b", re.I)
_LEADS = re.compile(
    r"\b(?:based on|according to)\b.{0,40}\b(?:passage|context|document|information|text|source|article)"
    r"|^\W*(?:sure|here (?:is|are)|certainly|great question)",
    re.I,
)
_COURTESY = re.compile(
    r"^\W*(?:hello|hi|hey|thanks|thank you|sure|certainly|of course|no problem|good (?:news|question|morning|afternoon)|great question|sorry"
    r"|you're welcome|have a (?:nice|lovely|great|good)|enjoy|hope this|glad to|easy|here(?:'s| is| are)"
    r"|hallo|guten|danke|gerne|bonjour|merci|hola|gracias|buenos|ciao|grazie)\b"
    r"|\b(?:would you like|can i help|may i help|shall i|let me know|feel free|anything else|happy to help|do you (?:want|need)"
    r"|(?:kann|darf|soll) ich|n'hésitez pas|souhaitez-vous|no dude en|le gustaría|desea)\b",
    re.I,
)
_COURTEOUS_WORDS = 4
_LONG = 15  # content words; a longer sentence says something besides
_HOPES = re.compile(r"\bhope (?:this|that|it|these)(?: \w+)? helps?\b|\b(?:any|further|more|other|additional) (?:\w+ )?questions\b", re.I)
_MORE = re.compile(
    r"\b(?:further|more|additional|other)\s(?:\w+ ){0,2}"
    r"(?:information|details?|sources?|context|clarification|research|resources?|guidance|explanation)\b",
    re.I,
)
_WANTED = re.compile(r"\b(?:need\w*|requir\w+|consult|without|want|refer|recommend\w*|difficult|please|seek|look|visit|helpful)\b", re.I)
_ANNOUNCES = re.compile(r"\b(?:follow\w*|here(?:['’]s| is| are)|steps?|answers?|include|reasons?|summary|list|ways?|tips|below)\b", re.I)
_ITEM = re.compile(r"^[ \t]*[(\[]?(\d{1,2})[.)\]:](?=\s)", re.M)
_STEP = re.compile(r"\bsteps? (\d{1,2})(?!\d|[.,]\d)(?: ?[-–] ?(\d{1,2})(?!\d))?", re.I)
_SOURCE = re.compile(
    r"\b(?:text|document|passage|context|source|article|posting|polic|material|information|provided|given|available|excerpt|record|list|mention"
    r"|i (?:do|could|can|did)|angabe|unterlag|information|text|dokument|steht|texte|document|précis|mention|figura|consta|indic|specific|vermeld)",
    re.I,
)
_CITES = re.compile(
    r"\b(?:passage|document|doc|source|context|chunk|reference)s?\s*#?(\d{1,2})(?!\d|[.,]\d)(?:(?:\s*(?:,|and|&|-|to)\s*)(\d{1,2})(?!\d))?|\[(\d{1,2})\]",
    re.I,
)


def flags(text: str) -> tuple[float, ...]:
    """Refuses, denies a mention, advises, concludes, exemplifies, leads in, is courteous: 1.0 or 0.0 each."""
    return (
        float(refuses(text)),
        float(denies(text)),
        float(_ADVISES.search(text) is not None),
        float(_CONCLUDES.search(text) is not None),
        float(_EXAMPLE.search(text) is not None),
        float(_LEADS.search(text) is not None),
        float(_COURTESY.search(text) is not None),
    )


def claims_nothing(text: str, words: int) -> bool:
    """Whether the sentence says nothing about the world: a courtesy, an offer, what the source does not tell, that more is to be found
    elsewhere, or that a list follows.

    ``words``: how many content words it has.
    """
    if denies(text) and _SOURCE.search(text):
        return True
    if _COURTESY.search(text) and (text.endswith("?") or words <= _COURTEOUS_WORDS):
        return True
    if text.rstrip("*_ ").endswith(":") and _ANNOUNCES.search(text):
        return words <= _LONG
    return _HOPES.search(text) is not None or (words <= _LONG and _MORE.search(text) is not None and _WANTED.search(text) is not None)


def said(text: str) -> list[Token]:
    """Words and numbers of an answer, without the numbers that only number: items of a list, steps, cited passages."""
    counted = {m.start(g) for pattern in (_STEP, _CITES) for m in pattern.finditer(text) for g in range(1, pattern.groups + 1) if m.group(g)}
    following = 1
    for item in _ITEM.finditer(text):
        if (number := int(item.group(1))) in (1, following):
            counted.add(item.start(1))
            following = number + 1
    return [t for t in tokens(text) if t.start not in counted] if counted else tokens(text)


def refuses(text: str) -> bool:
    """Whether the text declines to answer."""
    return _REFUSES.search(text) is not None


@lru_cache(64)  # asked several times of one sentence
def denies(text: str) -> bool:
    """Whether the sentence says that something is not mentioned, stated or known."""
    return _MAY_DENY.search(text) is not None and _DENIES.search(text) is not None


def citations(text: str) -> list[int]:
    """Numbers of the passages that the text cites."""
    return [int(g) for m in _CITES.finditer(text) for g in m.groups() if g]
