"""Matchers for secrets that are told in words or on a command line: ``my password is …``, ``name: X, value: …``, ``IDENTIFIED BY '…'``."""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re

from collector.redaction.matching import Handler, Span, tester
from collector.redaction.rules import Rule
from collector.redaction.secrets import DIGITS, GAP, PLACEHOLDER, REFERENCE, is_phrase, is_secret, name_strength, value_span

_SAID = re.compile(rb"(?:[\s:\"'`*]|&quot;){1,4}+(?=[^\s\"'`,;<>\\\x00]{0,511}?[0-9])([^\s\"'`,;<>\\\x00]{4,512}+)")


_SAID_PHRASE = re.compile(rb"[\s:*]{0,3}([\"'`]|&quot;)([A-Za-z]{3,12}(?: [A-Za-z]{2,12}){2,7})\1")
_ATTACHED = re.compile(rb"(?=[!-~]{0,63}?[0-9])([!#-&(-+\--;=?-~]{4,64}+)")


def said_handler(rule: Rule) -> Handler:
    """``my password is hunter2!``: a value with a digit after the words; the trigger ends behind these and one blank or mark, or, where a
    language puts none, in the value's first character."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        phrase = _SAID_PHRASE.match(b, to - 1, hi)
        if phrase and is_phrase(phrase[2]):
            out.append((*phrase.span(2), rule.class_name))
            return phrase.end()
        m = _SAID.match(b, to - 1, hi) or (_ATTACHED.match(b, to - 1, hi) if b[to - 2] >= 0x80 else None)
        if m is None:
            return to
        raw = m[1].rstrip(b".,:;)]}*") if m[1][-2:-1].isdigit() else m[1].rstrip(b".,:;!?)]}*")
        if len(raw) < 4 or raw.startswith(b"[") or PLACEHOLDER.fullmatch(raw.lower()) or REFERENCE.match(raw):
            return to
        out.append((m.start(1), m.start(1) + len(raw), rule.class_name))
        return m.end()

    return handle


SECRET_WORDS = "password|passwd|passcode|passphrase|passwort|kennwort|contraseña|mot de passe|senha|wachtwoord"  # noqa: S105 - words, behind which one may stand
_SECRET_BEFORE = re.compile(rb"(?i)(?:" + SECRET_WORDS.encode() + rb")[ \t|:\"'`*]{1,9}\Z")


def follows_secret_word(b: bytes, start: int, lo: int) -> bool:
    """Does *password* or its kin stand right before ``start``, with no sign of assignment?"""
    return _SECRET_BEFORE.search(b, max(lo, start - 24), start) is not None


_STRONG = re.compile(
    rb"[ \t|:]{1,6}[\"'`*]{0,2}(?=[^\s|]{0,63}?[0-9])(?=[^\s|]{0,63}?[A-Za-z])([A-Za-z0-9!#$%&*+,\-.;=?@^_~]{6,64}+)(?=[\s|\"'`*)\]]|\\[nrt]|\Z|\0|[.,;:!?]\s)"
)
_MARKS = re.compile(rb"[!#$%&*+?@^~](?!\Z)|[0-9][!#$%&*+?~]\Z")


_BEFORE = re.compile(rb"[^\s|]{1,72}+[ \t|:]{1,7}")  # backwards from a digit: what is read of its word, and what stands before that


def strong_handler(rule: Rule) -> Handler:
    """``password Xk9#CrJk0R``: right behind the word, without a sign of assignment, what is a password by itself: digits and letters of
    both cases, or a mark among them. The trigger ends behind its first digit: most words behind *password* have none."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        before = _BEFORE.match(b[max(lo, to - 80) : to][::-1])
        m = before and _STRONG.match(b, to - before.end(), hi)
        if not m:
            return to
        raw = m[1].rstrip(b".,;:?=")
        digits = len(raw) - len(raw.translate(None, DIGITS))
        mixed = digits > 1 and len(raw) >= 8 and raw != raw.lower() and raw != raw.upper()
        if not (mixed or _MARKS.search(raw)) or not is_secret(raw, "password", quoted=False) or (b"@" in raw[1:-4] and b"." in raw[-6:]):
            return to
        out.append((m.start(1), m.start(1) + len(raw), rule.class_name))
        return m.end()

    return handle


_EMAN = re.compile(rb"(?i)[:=]\s?[\"'\\]{0,3}eulav[\"'\\]{0,3}\s{0,12}(?:[{] ?:|,?)[\"'\\]{0,3}([A-Za-z0-9_.\-]{2,80})")  # backwards: name, value:


def named_value_handler(rule: Rule) -> Handler:
    """``name: DB_PASSWORD`` and, right behind it, ``value: …``; the trigger ends at the second ``:`` or ``=``."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        named = _EMAN.match(b[max(lo, to - 128) : to][::-1])
        strength = name_strength(named[1][::-1]) if named else ""
        if strength not in ("password", "secret"):
            return to
        gap = GAP.match(b, to, min(hi, to + 128))
        start, end, quoted = value_span(b, gap.end() if gap else to, hi, strength)
        if end <= start or not is_secret(b[start:end], strength, quoted=quoted):
            return to
        out.append((start, end, rule.class_name))
        return end

    return handle


_DEFAULT = re.compile(rb"[^}]{0,512}?[^A-Za-z_]default\s{0,12}=")


def named_default_handler(rule: Rule) -> Handler:
    """Terraform's ``variable "db_password" { … default = "…" }``; the trigger ends behind the name."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        strength = name_strength(b[b.rfind(b'"', lo, to - 1) + 1 : to - 1])
        default = _DEFAULT.match(b, to, hi) if strength in ("password", "secret") else None
        if default is None:
            return to
        gap = GAP.match(b, default.end(), hi)
        start, end, quoted = value_span(b, gap.end() if gap else default.end(), hi, strength)
        if not quoted or end <= start or not is_secret(b[start:end], strength, quoted=True):
            return to
        out.append((start, end, rule.class_name))
        return end

    return handle


def password_argument_handler(rule: Rule) -> Handler:
    """``IDENTIFIED BY '…'``, ``sshpass -p …``: what follows the last blank before the trigger's end; words alone are none.
    ``rule.pattern``: what the line says up to there, if the trigger does not tell."""
    line = tester([b"(?i)" + rule.pattern.encode()], latin=True) if rule.pattern else None

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        if line and not line.Match(b[max(lo, to - 128) : to]):
            return to
        at = to - 1
        while at > lo and to - at < 3 and b[at - 1] not in b" \t\r\n(,":
            at -= 1
        start, end, quoted = value_span(b, at, hi, "password")
        value = b[start:end]
        if value.isalpha() or not is_secret(value, "password", quoted=quoted) or b" " in value:
            return to
        if b[at - 1] == 40 and not _MARKS.search(value) and value.translate(None, DIGITS) == value:
            return to  # ``splitpasswd('user:passwd')``
        out.append((start, end, rule.class_name))
        return end

    return handle
