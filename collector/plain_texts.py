"""Prompts and answers of many calls out of the JSON they came in, in the commonest shape (``messages.plain_parts``).

Instrumentations put texts into the same frame again and again: ``[{"role": "user", "parts": [{"type": "text", "content": "`` … ``"}]}]``.
A frame is learned from a text that was parsed, and tried with another text first; from then on what stands in it is taken as it is,
unless it holds what JSON writes in another way (a quote, a backslash, a control character).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from collector import outcomes
from collector.messages import plain_answer, plain_turns
from collector.values import MAX_PARSED_BYTES
from spanledger.model import Message

_FRAMES, _TRIES, _MAX_FRAME = 4, 50, 4_096  # kept of one attribute; texts that are looked at for them; bytes of one
_PROBE = "9f2c probe 71"
_ROLES = frozenset({"user", "assistant", "system", "tool"})  # others are words of the sender, to be redacted the ordinary way
_CONTROL = re.compile(b"[\x00-\x1f]").search
_WITHHELD = (b"refusal", b"filtered", b"lock")


class _Frame(NamedTuple):
    head: bytes
    tail: bytes
    role: str


class _Framed:
    """Values of one attribute, most of them texts in frames that are known."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._tries = 0

    def _texts(self, raws: Sequence[bytes]) -> list[tuple[str, str] | None]:
        """(role, text) of each value in a known frame; None for the others."""
        found: list[tuple[str, str] | None] = [None] * len(raws)
        left = list(range(len(raws)))
        for head, tail, role in self._frames:
            first, last, asked = len(head), -len(tail), left
            inside = [raw[first:last] if raw.startswith(head) and raw.endswith(tail) else b"" for raw in map(raws.__getitem__, asked)]
            texts, left = _plain(inside), []
            if len(asked) == len(raws) and all(texts):
                return [(role, text) for text in texts]
            for i, text in zip(asked, texts, strict=True):
                if text:
                    found[i] = role, text
                else:
                    left.append(i)
            if not left:
                break
        return found

    def _learn(self, raw: bytes, role: str, text: str) -> None:
        """A value has been parsed: others may stand in the same frame."""
        if len(self._frames) < _FRAMES and self._tries < _TRIES:
            self._tries += 1
            head, tail = _around(raw, text)
            frame = _Frame(head, tail, role)
            new = head and len(head) + len(tail) <= _MAX_FRAME and frame not in self._frames
            if new and self._probed(head + _PROBE.encode() + tail) == (role, _PROBE):
                self._frames.append(frame)

    def _probed(self, raw: bytes) -> tuple[str, str] | None:
        raise NotImplementedError


class Turns(_Framed):
    """Input messages of one attribute."""

    def of(self, raws: Sequence[bytes]) -> list[list[Message] | None]:
        """Messages of each; None where it is no plain dialogue."""
        return [[Message(*one)] if one is not None else self._parsed(raw) for raw, one in zip(raws, self._texts(raws), strict=True)]

    def _parsed(self, raw: bytes) -> list[Message] | None:
        turns = plain_turns(_json(raw))
        if not turns or not any(m.text for m in turns) or not _ROLES.issuperset(m.role for m in turns):
            return None
        if len(turns) == 1:
            self._learn(raw, turns[0].role, turns[0].text)
        return turns

    def _probed(self, raw: bytes) -> tuple[str, str] | None:
        turns = plain_turns(_json(raw))
        return (turns[0].role, turns[0].text) if turns and len(turns) == 1 else None


class Answers(_Framed):
    """Output messages of one attribute: one answer each."""

    def of(self, raws: Sequence[bytes]) -> list[str]:
        """The answer in each; "" where there is none, or one that the provider withheld."""
        return [self._answer(*one) if one is not None else self._parsed(raw) for raw, one in zip(raws, self._texts(raws), strict=True)]

    @staticmethod
    def _answer(_role: str, text: str) -> str:
        return "" if "'" in text and outcomes.withheld(f'"{text}"') else text

    def _parsed(self, raw: bytes) -> str:
        answer = plain_answer(_json(raw))
        if answer is None or not answer[0] or _withheld(raw):
            return ""
        self._learn(raw, "", answer[0])
        return answer[0]

    def _probed(self, raw: bytes) -> tuple[str, str] | None:
        answer = plain_answer(_json(raw))
        return ("", answer[0]) if answer is not None and not any(word in raw for word in _WITHHELD) else None


def _plain(texts: list[bytes]) -> list[str]:
    """What stands in JSON as it is, as text; "" for what does not."""
    whole = b"".join(texts)
    if (np.frombuffer(whole, np.uint8) < 0x20).any():  # no JSON has control characters in a text
        texts = [b"" if _CONTROL(text) else text for text in texts]
    if b'"' in whole or b"\\" in whole:
        texts = [b"" if b'"' in text or b"\\" in text else text for text in texts]
    if max(map(len, texts), default=0) > MAX_PARSED_BYTES:
        texts = [text if len(text) <= MAX_PARSED_BYTES else b"" for text in texts]
    if whole.isascii():
        return [text.decode() for text in texts]
    return [_utf8(text) for text in texts]


def _utf8(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return ""


def _around(raw: bytes, text: str) -> tuple[bytes, bytes]:
    """What stands before and behind a text that JSON writes as it is; (b"", b"") for others."""
    head, found, tail = raw.partition(text.encode("utf8", "surrogatepass"))
    return (head, tail) if text and found and head.endswith(b'"') and tail.startswith(b'"') else (b"", b"")


def _json(raw: bytes) -> Any:
    """The list that a text is, else None."""
    if len(raw) > MAX_PARSED_BYTES:
        return None
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if type(found) is list else None


def _withheld(output: bytes) -> bool:
    return any(word in output for word in _WITHHELD) and bool(outcomes.withheld(output.decode()))
