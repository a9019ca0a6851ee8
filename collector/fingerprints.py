"""Prompt fingerprints: which prompts are the same, byte by byte, in meaning, or by template. Keyed per tenant, made before redaction.

``normal`` decides what "the same prompt" is for contradictions and top lists: white space, letter case, Unicode form, ids, clocks and
retrieved passages do not count; numbers, punctuation and negation do. Source: research on redaction §6.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import re2

from collector.identity import IdentityKeys
from spanledger.model import Message

_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:z|utc|gmt|[+-]\d\d:?\d\d))?)?\b"
    r"|(?<![\w.-])1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?![\w.-])"
    r"|\b(?:req|request|trace|span|run|call|msg|session|chatcmpl|resp)[-_](?=[a-z_-]*\d)[a-z0-9_-]{8,}\b|\b[0-9a-f]{32}\b"
    r"|(?:today|the current (?:date|time)|current (?:date|time)|now|date|time)(?: is|:) "
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:\d{1,2}[:./-]\d{1,2}(?:[:./-]\d{2,4})?|\d{1,2}(?:st|nd|rd|th)?(?: of)? [a-z]{3,9},? \d{4}"
    r"|[a-z]{3,9} \d{1,2}(?:st|nd|rd|th)?,? \d{4})(?:,? \d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?)?"
)
#: Twenty times as quick as the pattern itself, which is asked only of texts that hold one of these; all of them hold a digit.
_may_be_volatile = re2.compile(
    r"\d{4}-\d\d-\d|[0-9a-f]{8}-[0-9a-f]{4}-|\b1[5-9]\d{8}|\b(?:req|request|trace|span|run|call|msg|session|chatcmpl|resp)[-_][a-z0-9_-]{8}"
    r"|[0-9a-f]{32}|(?:today|date|time|now)(?: is|:) [a-z0-9]"
).search
_DIGITS = "0123456789"
_INVISIBLE: dict[int, None] = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_ODD_SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"  # what str.split splits at in ASCII, but for the space
#: What is hashed (``IdentityKeys.hasher``): a prompt's normal and its exact form.
PROMPT, PROMPT_EXACT = "prompt", "prompt-exact"
_PREAMBLE = ("system", "developer")
_PASSAGE = 16  # shorter passages are words that a question may hold by itself


def prompt_hashes(keys: IdentityKeys, tenant: str, told: Sequence[Message], context: Sequence[str] = (), system: str = "") -> tuple[str, str]:
    """(normal, exact) of a prompt as it came, 16 hexadecimal digits each; "" without one."""
    if not told:
        return "", ""
    normal, exact = prompt_hashers(keys, tenant)
    return normal(encoded(normal_form(told, context))), exact(encoded(exact_form(told, system)))


def encoded(text: str) -> bytes:
    """A text as it is hashed, whatever it holds."""
    return text.encode("utf8", "surrogatepass")


def prompt_hashers(keys: IdentityKeys, tenant: str) -> tuple[Callable[[bytes], str], Callable[[bytes], str]]:
    """What hashes the forms of a tenant's prompts (:func:`encoded`): normal, exact."""
    return keys.hasher(tenant, PROMPT), keys.hasher(tenant, PROMPT_EXACT)


def normal_form(told: Sequence[Message], context: Sequence[str] = ()) -> str:
    """A prompt without what does not count."""
    return normalised(told[0].text if len(told) == 1 and not context else "\0".join(_talk(told, context)))


def normal_forms(told: Sequence[Sequence[Message]]) -> list[bytes]:
    """:func:`normal_form` of many prompts, encoded; single turns in ASCII are looked at together."""
    alone = [turns[0].text if len(turns) == 1 and turns[0].text.isascii() else "" for turns in told]
    sizes = np.fromiter(map(len, alone), np.int64, len(alone))
    ends = np.cumsum(sizes)
    whole = "".join(alone).encode()
    chars = np.frombuffer(whole, np.uint8)
    odd, blank = chars < 0x20, chars == 0x20
    odd[:-1] |= blank[:-1] & blank[1:]
    by_itself, counted = sizes < 2, np.zeros(len(alone), bool)
    by_itself[np.searchsorted(ends, np.flatnonzero(odd), "right")] = True
    counted[np.searchsorted(ends, np.flatnonzero(chars - 0x30 < 10), "right")] = True
    lower = whole.lower()
    return [
        encoded(normal_form(turns)) if odd_one else _steady(lower[end - size : end].strip(b" "), digits)
        for turns, size, end, odd_one, digits in zip(told, sizes.tolist(), ends.tolist(), by_itself.tolist(), counted.tolist(), strict=True)
    ]


def _steady(plain: bytes, digits: bool) -> bytes:
    return encoded(_VOLATILE.sub("\2", plain.decode())) if digits and _may_be_volatile(plain) else plain


def exact_form(told: Sequence[Message], system: str = "") -> str:
    """A prompt with all that makes it another."""
    return f"{system}\0" + "".join([f"{m.role}\0{len(m.text)}\0{m.text}" for m in told])


def exact_forms(told: Sequence[Sequence[Message]]) -> list[bytes]:
    """:func:`exact_form` of many prompts, encoded."""
    return [
        f"\0{turns[0].role}\0{len(text := turns[0].text)}\0{text}".encode("utf8", "surrogatepass") if len(turns) == 1 else encoded(exact_form(turns))
        for turns in told
    ]


def asked_chars(told: Sequence[Message]) -> int:
    """Characters of what the user asked; of all messages where nobody is called the user."""
    if len(told) == 1:
        return len(told[0].text)
    return sum(len(m.text) for m in told if m.role == "user") or sum(len(m.text) for m in told)


def template_hash(keys: IdentityKeys, tenant: str, name: str, version: str, variables: str) -> str:
    """Of a prompt's template by name, version and names of its variables (in order of name, joined): 32 hexadecimal digits, "" if untold."""
    return keys.name(tenant, "template", f"{name}\0{version}\0{variables}") if name or version or variables else ""


def _talk(messages: Sequence[Message], context: Sequence[str]) -> list[str]:
    """The conversation without preamble and retrieved passages; turns are marked by who spoke, if it was not the user alone."""
    talk = [m for m in messages if m.role not in _PREAMBLE] or messages
    texts = [m.text for m in talk]
    for passage in sorted((p for p in context if len(p) >= _PASSAGE), key=len, reverse=True):
        texts = [text.replace(passage, " ") for text in texts]
    if all(m.role == "user" for m in talk):
        return texts
    return [f"{m.role}\1{text}" for m, text in zip(talk, texts, strict=True)]


def normalised(text: str) -> str:
    """A text without what does not count."""
    if text.isascii():
        single = "  " not in text and not any(map(text.__contains__, _ODD_SPACES))
        plain = (text.strip(" ") if single else " ".join(text.split())).lower()
    else:
        plain = " ".join(unicodedata.normalize("NFKC", text).translate(_INVISIBLE).split()).casefold()
    if not any(map(plain.__contains__, _DIGITS)) or not _may_be_volatile(encoded(plain)):
        return plain
    return _VOLATILE.sub("\2", plain)
