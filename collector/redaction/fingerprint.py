"""Keyed identities and prompt fingerprints: equal things join inside a tenant, never across tenants, never by guessing.

Keys: HKDF-SHA256 of the instance's master key, per tenant and epoch. Hashes: BLAKE2b, 16 bytes, keyed, with the domain
in ``person`` so that a user id never equals a session id. Design: ``docs/redaction.md``.
"""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Domain = Literal["user", "session", "ip", "email", "prompt", "doc"]
SIZE = 16  # bytes of every hash: FixedString(16)
_INFO = b"spanledger-hash-v1"


@dataclass(frozen=True, slots=True, repr=False)
class TenantKeys:
    """The hash key of one tenant in one epoch. Rotating the epoch ends joins with what came before."""

    epoch: int
    _key: bytes

    @classmethod
    def derive(cls, master: bytes, tenant: str, epoch: int) -> TenantKeys:
        """Key of a tenant; 32 bytes or more of ``master`` expected.

        Raises:
            ValueError: the master key is shorter than 16 bytes.
        """
        if len(master) < 16:
            raise ValueError("the master key needs at least 16 bytes")
        name = tenant.encode()
        info = b"|".join((_INFO, len(name).to_bytes(4, "big"), name, epoch.to_bytes(8, "big")))
        extracted = hmac.digest(_INFO, master, "sha256")
        return cls(epoch, hmac.digest(extracted, info + b"\x01", "sha256"))

    def hash(self, domain: Domain, value: str) -> bytes:
        """16 bytes for an identity: equal for equal ids whatever their case, Unicode form or surrounding blanks."""
        plain = value if value.isascii() else unicodedata.normalize("NFKC", value)
        return self.digest(domain, plain.strip().casefold().encode("utf-8", "surrogatepass"))

    def digest(self, domain: Domain, value: bytes) -> bytes:
        """16 bytes for exactly these bytes."""
        return hashlib.blake2b(value, digest_size=SIZE, key=self._key, person=domain.encode()).digest()

    def hasher(self, domain: str) -> hashlib.blake2b:
        """A keyed hash to feed piece by piece."""
        return hashlib.blake2b(digest_size=SIZE, key=self._key, person=domain.encode())

    def user(self, value: str) -> bytes:
        """Hash of a user id."""
        return self.hash("user", value)

    def session(self, value: str) -> bytes:
        """Hash of a session or conversation id."""
        return self.hash("session", value)

    def ip(self, value: str) -> bytes:
        """Hash of a network address."""
        return self.hash("ip", value)

    def email(self, value: str) -> bytes:
        """Hash of an e-mail address."""
        return self.hash("email", value)

    def document(self, value: str) -> bytes:
        """Hash of a retrieved document's text: white space, case and Unicode form do not count."""
        return self.digest("doc", normalised(value).encode("utf-8", "surrogatepass"))

    def redaction_key(self) -> bytes:
        """Key for the hashes in ``[EMAIL:3f9a…]``: separate from those of the identity columns."""
        return hashlib.blake2b(b"placeholders", digest_size=32, key=self._key, person=b"redact").digest()


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Keyed fingerprints of a prompt, 16 bytes each; ``fp_template`` is empty where neither version nor variables are known."""

    fp_exact: bytes
    fp_norm: bytes
    fp_template: bytes


_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:z|utc|gmt|[+-]\d\d:?\d\d))?)?\b"
    r"|(?<![\w.-])1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?![\w.-])"
    r"|\b(?:req|request|trace|span|run|call|msg|session|chatcmpl|resp)[-_][a-z0-9_-]{8,}\b|\b[0-9a-f]{32}\b"
    r"|(?:today|the current (?:date|time)|current (?:date|time)|now|date|time)(?: is|:) "
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:\d{1,2}[:./-]\d{1,2}(?:[:./-]\d{2,4})?|\d{1,2}(?:st|nd|rd|th)?(?: of)? [a-z]{3,9},? \d{4}|[a-z]{3,9} \d{1,2}(?:st|nd|rd|th)?,? \d{4})(?:,? \d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?)?"
)  # fmt: skip
_MAYBE = re.compile(r"\d{4}-\d\d|[0-9a-f]{8}-|1[5-9]\d{8}|[-_][a-z0-9_-]{8}|[0-9a-f]{32}|(?:today|date|time|now)(?: is|:)")
_INVISIBLE: dict[int, None] = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


def normalised(text: str) -> str:
    """A text as ``fp_norm`` sees it: Unicode form, white space and case folded, ids and clocks out, numbers and words kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    folded = " ".join(text.split()).casefold()
    return _VOLATILE.sub("\0", folded) if _MAYBE.search(folded) else folded


def fingerprints(
    messages: Iterable[tuple[str, str]],
    keys: TenantKeys,
    *,
    context: Iterable[str] = (),
    prompt_version: str = "",
    variables: Mapping[str, object] | Iterable[str] = (),
) -> Fingerprints:
    """Fingerprints of a prompt, from its plain text in memory, before redaction.

    Args:
        messages: (role, text) in order, as sent.
        keys: the tenant's.
        context: retrieved passages: left out of ``fp_norm`` wherever they stand in a message.
        prompt_version: name and version of the template, if the caller told it.
        variables: names of the template's variables.

    Returns:
        ``fp_exact`` of the canonical list byte by byte; ``fp_norm`` of the same conversation without system preamble, context,
        white space, case and volatile values; ``fp_template`` of version and variable names.
    """
    told = list(messages)
    passages = sorted((p for p in context if len(p) >= 16), key=len, reverse=True)
    exact, norm = keys.hasher("prompt"), keys.hasher("prompt-norm")
    talk = [m for m in told if m[0].lower() not in ("system", "developer")] or told
    for role, text in told:
        _framed(exact.update, role.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass"))
    for role, text in talk:
        for passage in passages:
            text = text.replace(passage, " ")
        _framed(norm.update, role.lower().encode("utf-8", "surrogatepass"), normalised(text).encode("utf-8", "surrogatepass"))
    names = sorted(variables)
    template = b""
    if prompt_version or names:
        template = keys.digest("prompt", b"template\0" + "\0".join((prompt_version, *names)).encode())
    return Fingerprints(exact.digest(), norm.digest(), template)


def _framed(update: object, *fields: bytes) -> None:
    """Length before content, so that no two different lists read the same."""
    for value in fields:
        update(len(value).to_bytes(8, "big"))  # type: ignore[operator]
        update(value)  # type: ignore[operator]
