"""What kind of sentence it is: a refusal, advice, a conclusion, a citation of a numbered passage."""

from __future__ import annotations

import re

_REFUSES = re.compile(
    r"\b(?:unable|not able|cannot|can't|can not|couldn't) to? ?(?:\w+ )?(?:answer|provide|determine|find|help|assist)"
    r"|\b(?:i'm|i am) sorry|\bapologi[sz]e|\b(?:not|in)(?: ha\w+| have)? ?(?:enough|sufficient) information",
    re.I,
)
_DENIES = re.compile(
    r"\b(?:not|n't|never|none|neither|nor|no)\b[\w ,']{0,30}"
    r"\b(?:mention|state|specif|provid|discuss|address|contain|includ|explain|describe|information|indicat|clear)",
    re.I,
)
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
_CITES = re.compile(
    r"\b(?:passage|document|doc|source|context|chunk|reference)s?\s*#?(\d{1,2})(?:(?:\s*(?:,|and|&|-|to)\s*)(\d{1,2}))?|\[(\d{1,2})\]", re.I
)


def flags(text: str) -> tuple[float, float, float, float, float, float]:
    """Refuses, denies a mention, advises, concludes, exemplifies, leads in: 1.0 or 0.0 each."""
    return (
        float(refuses(text)),
        float(denies(text)),
        float(_ADVISES.search(text) is not None),
        float(_CONCLUDES.search(text) is not None),
        float(_EXAMPLE.search(text) is not None),
        float(_LEADS.search(text) is not None),
    )


def refuses(text: str) -> bool:
    """Whether the text declines to answer."""
    return _REFUSES.search(text) is not None


def denies(text: str) -> bool:
    """Whether the sentence says that something is not mentioned, stated or known."""
    return _DENIES.search(text) is not None


def citations(text: str) -> list[int]:
    """Numbers of the passages that the text cites."""
    return [int(g) for m in _CITES.finditer(text) for g in m.groups() if g]
