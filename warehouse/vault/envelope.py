"""Envelope v1: one object under one derived key, framed, bound to what it belongs to, committing to its key.

Layout, integers little endian::

    "SPLA" | version 1 | algorithm 1 | 0 0 | key version u32 | object id 16 | commitment 32 | frame*
    frame = length u32 (high bit: last frame) | AES-256-GCM ciphertext and tag

Object key = HKDF-Expand(tenant key, "spl-audit-v1" | tenant | object id), used for this object only; nonce = frame number.
Associated data of a frame = header | frame number | last flag | tenant | place (trace id, span id) | schema, each with its length.
Commitment = HKDF-Expand(object key, "spl-commit-v1"): GCM alone does not commit to its key. Text is zstd-compressed alone (never across
records) and padded to 64 bytes, so that its length tells little. Source: research on redaction §7; NIST SP 800-38D; RFC 5869.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import dataclass

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from spanledger.errors import SpanledgerError

MAGIC = b"SPLA\x01\x01\0\0"
FRAME = 64 * 1024
SCHEMA = b"transcript-v1"
_HEADER = len(MAGIC) + 4 + 16 + 32
_LAST = 0x80000000
_PAD = 64
_MAX_TEXT = 64 << 20


class EnvelopeBroken(SpanledgerError):
    """The object was changed, cut, moved to another place, or is sealed with another key."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an object belongs to; opening it anywhere else fails."""

    tenant: str
    trace_id: bytes
    span_id: bytes


def seal(text: bytes, place: Place, key: bytes, key_version: int, *, object_id: bytes | None = None) -> bytes:
    """One sealed object. ``key``: 32-byte tenant key; ``object_id``: 16 random bytes (given only by known-answer tests)."""
    object_id = object_id or os.urandom(16)
    object_key = _object_key(key, place, object_id)
    header = MAGIC + struct.pack("<I", key_version) + object_id + _commitment(object_key)
    packed = zstandard.ZstdCompressor(level=3, write_content_size=True).compress(text)
    plain = struct.pack("<I", len(packed)) + packed
    plain += b"\0" * (-len(plain) % _PAD)
    aead, out = AESGCM(object_key), [header]
    frames = [plain[at : at + FRAME] for at in range(0, len(plain), FRAME)]
    for number, frame in enumerate(frames):
        last = number == len(frames) - 1
        sealed = aead.encrypt(_nonce(number), frame, _bound(header, number, last, place))
        out.append(struct.pack("<I", len(sealed) | (_LAST if last else 0)) + sealed)
    return b"".join(out)


def key_version_of(sealed: bytes) -> int:
    """Which version of the tenant key opens this object. Raises ``EnvelopeBroken`` for something else."""
    if len(sealed) < _HEADER or sealed[: len(MAGIC)] != MAGIC:
        raise EnvelopeBroken("not a sealed transcript of a known version")
    return int(struct.unpack_from("<I", sealed, len(MAGIC))[0])


def unseal(sealed: bytes, place: Place, key: bytes) -> bytes:
    """The text of an object. Raises ``EnvelopeBroken`` on any change of any byte, a missing frame, another place or key."""
    key_version_of(sealed)
    header = sealed[:_HEADER]
    object_id, commitment = header[12:28], header[28:60]
    object_key = _object_key(key, place, object_id)
    if not hmac.compare_digest(commitment, _commitment(object_key)):
        raise EnvelopeBroken("sealed with another key, or for another place")
    aead, plain, at, number, last = AESGCM(object_key), [], _HEADER, 0, False
    try:
        while not last:
            (word,) = struct.unpack_from("<I", sealed, at)
            last, size = bool(word & _LAST), word & ~_LAST
            frame = sealed[at + 4 : at + 4 + size]
            plain.append(aead.decrypt(_nonce(number), frame, _bound(header, number, last, place)))
            at, number = at + 4 + size, number + 1
    except (struct.error, InvalidTag, ValueError) as exc:
        raise EnvelopeBroken("the object was changed or cut") from exc
    if at != len(sealed):
        raise EnvelopeBroken("the object has bytes behind its end")
    padded = b"".join(plain)
    (size,) = struct.unpack_from("<I", padded)
    return zstandard.ZstdDecompressor().decompress(padded[4 : 4 + size], max_output_size=_MAX_TEXT)


def _expand(key: bytes, info: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, info).derive(key)


def _object_key(key: bytes, place: Place, object_id: bytes) -> bytes:
    return _expand(key, b"spl-audit-v1" + _counted(place.tenant.encode()) + object_id)


def _commitment(object_key: bytes) -> bytes:
    return _expand(object_key, b"spl-commit-v1")


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "little")


def _counted(part: bytes) -> bytes:
    return struct.pack("<I", len(part)) + part


def _bound(header: bytes, number: int, last: bool, place: Place) -> bytes:
    parts = (header, struct.pack("<IB", number, last), place.tenant.encode(), place.trace_id, place.span_id, SCHEMA)
    return b"".join(_counted(part) for part in parts)
