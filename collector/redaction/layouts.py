"""The layouts of clusters of digits, told so that compiled code can judge most clusters without a look at each (``clusters.c``)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from collector.redaction.national_ids import aadhaar, ahv, be_rrn, cn_id, cnpj, cpf, cuit, nir, personnummer, rodne_cislo, rrn, ssn
from collector.redaction.phones import Form
from collector.redaction.readings import Piece, Readings

#: As in ``clusters.c`` and ``check_digits.h``.
KEY, CHECKS, DIGITS, SLOTS = 44, 14, 19, 2048
FORM, CARD, SSN = range(3)
KINDS: dict[Callable[[str], bool], int] = {
    check: SSN + k for k, check in enumerate((ssn, cpf, cnpj, nir, be_rrn, ahv, cuit, aadhaar, cn_id, rrn, rodne_cislo, personnummer))
}
OTHER = SSN + len(KINDS)
_HEAD, _CHECK = struct.Struct(f"=4B{KEY}sQ"), struct.Struct(f"=4B{DIGITS + 1}H")
_SIZE = _HEAD.size + CHECKS * _CHECK.size
_MOST = SLOTS // 2  # layouts that are kept
_RULES = 64  # that a set of bits has room for
_ALL, _NOWHERE, _ANY = 0x3FF, 255, Form(())
_GROUP = re.compile(rb"[0-9]+")


class Layouts:
    """A hash table in memory that compiled code reads. Belongs to a redactor."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._count = 0
        self.table = bytearray(SLOTS * _SIZE)

    def learn(self, cluster: bytes) -> None:
        """Note what a cluster's layout says."""
        if self._count >= _MOST:
            self.table[:] = bytes(len(self.table))
            self._count = 0
        key = key_of(cluster)
        slot = _hash(key) >> 20
        while self.table[slot % SLOTS * _SIZE]:
            slot += 1
        at = slot % SLOTS * _SIZE
        self.table[at : at + _SIZE] = self._told(key)
        self._count += 1

    def _told(self, key: bytes) -> bytes:
        reading, pieces = self._readings.reading(_GROUP.sub(lambda m: b"0" * len(m[0]), key)), self._readings.pieces(key)
        checks = [check for piece in pieces for check in _checks(piece)]
        checks += [(a, z, CARD, _ANY) for a, z in reading.cards or ()]
        fits = {k for piece in pieces for _, _, _, k in piece.fit if k >= 0}
        beyond = reading.cards is None or len(checks) > CHECKS or max(fits, default=0) >= _RULES or sum(reading.sizes) > _RULES
        packed = b"" if beyond else b"".join(_packed(*check) for check in checks)
        head = _HEAD.pack(len(key), 0 if beyond else len(checks), reading.line, beyond, key, 0 if beyond else sum(1 << k for k in fits))
        return (head + packed).ljust(_SIZE, b"\0")


def _packed(first: int, past: int, kind: int, form: Form) -> bytes:
    allowed = [_ALL] * (DIGITS + 1)
    for at, some in form.places:
        allowed[at] = sum(1 << int(digit) for digit in some)
    return _CHECK.pack(first, past, kind, _NOWHERE if form.country is None else form.country, *allowed)


def _checks(piece: Piece) -> list[tuple[int, int, int, Form]]:
    """What may be in a piece where no word is near: place, kind, and the form of a telephone number."""
    found = [(piece.first, piece.past, KINDS.get(valid, OTHER), _ANY) for _, valid, _, _ in piece.free]
    if piece.form is not None:
        found.append((piece.first, piece.past, FORM, piece.form))
    return found


def key_of(cluster: bytes) -> bytes:
    """A cluster with its digits told as ``1``, or ``0`` where one of a group's first two is a zero."""
    return _GROUP.sub(lambda m: m[0][:2].translate(_ONES) + b"1" * (len(m[0]) - 2), cluster)


_ONES = bytes(49 if 49 <= c <= 57 else c for c in range(256))


def _hash(key: bytes) -> int:
    """FNV-1a of 64 bits."""
    found = 14695981039346656037
    for c in key:
        found = (found ^ c) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return found
