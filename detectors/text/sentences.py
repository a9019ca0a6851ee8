"""Sentences of a text as character spans: prose, lists, headings, tokenised text."""

from __future__ import annotations

import re

_BREAK = re.compile(
    r"\n+"  # lines are sentences: lists, headings, passages
    r"|(?<=[.!?…][\"')\]”’])\s+(?=[\"'(\[“‘]?[A-Z0-9])"
    r"|(?<=[.!?…])\s+(?=[\"'(\[“‘*•-]*\s*[A-Z0-9\"“])"
    r"|(?<=\s[.!?])\s+"  # tokenised text: "... it . the next"
    r"|(?<=[a-z0-9)][.!?])(?=[A-Z][a-z])"  # joined text: "... film.The next"
    r"|(?<=[。！？])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Mt|Jr|Sr|Inc|Ltd|Co|Corp|vs|etc|e\.g|i\.e|Vol|Fig|Gen|Col|Sen|Rep|Gov|Lt|Capt|approx|ca|cf|al)"
    r"|(?:^|[\s.(])[A-Za-z]|^\s*\d{1,2})\.$"
)


def spans(text: str, limit: int = 2000) -> list[tuple[int, int]]:
    """Half-open ``(start, end)`` of each sentence that holds a letter or digit, in order.

    At most ``limit`` sentences: the last one then runs to the end of the text.
    """
    out: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if match.end() <= start or len(out) >= limit - 1:
            continue
        stop = match.start()
        if "\n" not in match.group() and _ABBREVIATION.search(text[max(start, stop - 8) : stop]):
            continue
        _add(out, text, start, stop)
        start = match.end()
    _add(out, text, start, len(text))
    return out


def _add(out: list[tuple[int, int]], text: str, start: int, stop: int) -> None:
    while start < stop and text[start].isspace():
        start += 1
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    if any(c.isalnum() for c in text[start:stop]):
        out.append((start, stop))
