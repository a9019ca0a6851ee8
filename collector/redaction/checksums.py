"""Check digits and structure of cards, accounts, vehicles, wallets and devices.

Pure functions over strings of ASCII digits (or letters and digits); each returns whether the value is well formed.
Sources: ISO/IEC 7812 (cards), ISO 13616 (IBAN), ISO 3779 (vehicles). National numbers: ``national_ids.py``.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

_DOUBLED = bytes.maketrans(b"0123456789", bytes(48 + n for n in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_AS_NUMBERS = {ord(c): str(int(c, 36)) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_B58 = {c: i for i, c in enumerate(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}


def luhn(digits: str) -> bool:
    """ISO/IEC 7812 mod 10."""
    raw = digits.encode()
    return (sum(raw[-1::-2]) + sum(raw[-2::-2].translate(_DOUBLED)) - 48 * len(raw)) % 10 == 0


def card(digits: str) -> bool:
    """A payment card number: issuer range, its length, Luhn."""
    n = len(digits)
    return 12 <= n <= 19 and issuers(n)[int(digits[:4])] == 1 and luhn(digits) and digits != n * digits[0]


@cache
def issuers(n: int) -> bytes:
    """With which four digits a card of ``n`` digits may begin: a byte for each of the 10,000, 0 or 1."""
    four = np.arange(10_000)
    three, two, first = four // 10, four // 100, four // 1000
    mastercard = ((two >= 51) & (two <= 55)) | ((four >= 2221) & (four <= 2720))
    diners = ((three >= 300) & (three <= 305)) | (four == 3095) | np.isin(two, (36, 38, 39))
    maestro = np.isin(two, (60, 62, 64, 65))  # some of these are as short as Maestro's
    others = maestro | np.isin(two, (35, 81, 82)) | ((four >= 2200) & (four <= 2205)) | (four == 9792)
    told = [
        (first == 4, n in (13, 16, 19)),
        (mastercard, n == 16),
        (np.isin(two, (34, 37)), n == 15),
        (diners, 14 <= n <= 19),
        (others, (16 <= n <= 19) | (maestro & (n >= 12))),
        (np.isin(four, (1800, 2131)), n == 15),
        (np.isin(two, (50, 56, 57, 58)) | (first == 6) | (four == 604), True),
    ]
    return np.select([which for which, _ in told], [np.broadcast_to(valid, four.shape) for _, valid in told], False).astype(np.uint8).tobytes()


def card_sure(digits: str) -> bool:
    """A card number that needs no word beside it (16 digits, American Express, Diners, 19-digit Visa or UnionPay)."""
    n = len(digits)
    if not card(digits):
        return False
    if n == 15:
        return True
    return (
        n == 16
        or (n == 14 and digits[0] == "3")
        or (n == 19 and digits[:2] in ("62", "65", "60", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49"))
    )


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Sum of the digits times their weights."""
    return sum(w * (ord(c) - 48) for w, c in zip(weights, digits, strict=False))


def routing(digits: str) -> bool:
    """US bank routing number (ABA)."""
    return len(digits) == 9 and digits != "000000000" and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def any_digits(digits: str) -> bool:
    """No check: shape and words around it decide (at least three different digits)."""
    return len(set(digits)) >= 3


IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
    "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22,
    "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
    "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27,
    "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33,
    "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29,
    "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_COUNTRY = {code: code.translate(_AS_NUMBERS) for code in IBAN_LENGTH}


def iban(value: str) -> bool:
    """International account number: country length and mod 97 (letters may be lower case)."""
    v = value.upper()
    if IBAN_LENGTH.get(v[:2]) != len(v):
        return False
    body = v[4:]
    return int((body if body.isdigit() else body.translate(_AS_NUMBERS)) + _COUNTRY[v[:2]] + v[2:4].translate(_AS_NUMBERS)) % 97 == 1


def vin(value: str) -> bool:
    """Vehicle number: ISO 3779 check digit."""
    key = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
    v = value.upper()
    total = sum(w * (int(c) if c.isdigit() else key[c]) for w, c in zip((8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), v, strict=True))
    return len(set(v)) > 6 and v[8] == "0123456789X"[total % 11]


def base58check(value: str) -> bool:
    """Bitcoin-style address or key: version, payload, four bytes of double SHA-256."""
    n = 0
    for c in value.encode():
        if c not in _B58:
            return False
        n = n * 58 + _B58[c]
    pad = len(value) - len(value.lstrip("1"))
    raw = b"\0" * pad + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def bitcoin(value: str) -> bool:
    """Base58 address whose checksum holds, or that only looks like one but mixes case and digits."""
    return base58check(value) or (len(value) >= 33 and mixed(value))


def mixed(value: str) -> bool:
    """Upper case, lower case and digits all present, at least 10 different characters."""
    return any(c.isupper() for c in value) and any(c.islower() for c in value) and any(c.isdigit() for c in value) and len(set(value)) >= 10


def iban_run(value: str) -> bool:
    """An IBAN, perhaps with text right behind it that a blank joined on."""
    n = IBAN_LENGTH.get(value[:2].upper(), 0)
    return bool(n) and len(value) >= n and iban(value[:n])


def mac(value: str) -> bool:
    """A hardware address of some device: neither all zeros nor broadcast."""
    return (len(value) == 12 and len(set(value.lower())) > 2 and not value.isdigit()) or (value.isdigit() and len(set(value)) > 4)


def document(value: str) -> bool:
    """A document number: 5 to 20 characters, at least four of them digits."""
    return 5 <= len(value) <= 20 and sum(c.isdigit() for c in value) >= 4


def access_code(value: str) -> bool:
    """Four to eight digits that are no year."""
    return 4 <= len(value) <= 8 and not (len(value) == 4 and value[:2] in ("19", "20"))


def not_number(value: str) -> bool:
    """Something else than digits only."""
    return not value.isdigit()
