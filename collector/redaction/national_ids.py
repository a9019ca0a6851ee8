"""Check digits, dates and ranges of national numbers: about 30 countries.

Pure functions over strings of ASCII digits (or letters and digits); each returns whether the value is well formed.
Sources: the issuing states' published algorithms.
"""

from __future__ import annotations

from datetime import date

from collector.redaction.checksums import luhn, weighted


def ssn(digits: str) -> bool:
    """US social security number ranges (SSA, since 2011)."""
    return len(digits) == 9 and digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def itin(digits: str) -> bool:
    """US individual taxpayer number (IRS ranges)."""
    group = int(digits[3:5])
    return len(digits) == 9 and digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def cpf(digits: str) -> bool:
    """Brazilian person number."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    a = weighted(digits, tuple(range(10, 1, -1))) * 10 % 11 % 10
    b = weighted(digits, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return digits[9:] == f"{a}{b}"


def cnpj(digits: str) -> bool:
    """Brazilian company number."""
    if len(digits) != 14 or len(set(digits)) == 1:
        return False
    w = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    a = weighted(digits, w) % 11
    b = weighted(digits, (6, *w)) % 11
    return digits[12:] == f"{0 if a < 2 else 11 - a}{0 if b < 2 else 11 - b}"


def pesel(digits: str) -> bool:
    """Polish person number: date and check digit."""
    if len(digits) != 11 or (10 - weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 != int(digits[10]):
        return False
    return 1 <= int(digits[2:4]) % 20 <= 12 and 1 <= int(digits[4:6]) <= 31


def _day_month(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def yymmdd(digits: str) -> bool:
    """The first six digits are a date, year first."""
    return _day_month(int(digits[4:6]), int(digits[2:4]))


def ddmmyy(digits: str) -> bool:
    """The first six digits are a date, day first (Nordic numbers add 40 or 60 to day or month)."""
    return _day_month(int(digits[0:2]) % 40, int(digits[2:4]) % 20)


def personnummer(digits: str) -> bool:
    """Swedish number: date (coordination numbers add 60 to the day) and Luhn over ten digits."""
    ten = digits[-10:]
    return len(digits) in (10, 12) and _day_month(int(ten[4:6]) % 60, int(ten[2:4])) and luhn(ten)


def rrn(digits: str) -> bool:
    """Korean resident number: date, sex digit."""
    return len(digits) == 13 and yymmdd(digits) and digits[6] in "12345678"


def rodne_cislo(digits: str) -> bool:
    """Czech and Slovak birth number: month (+50 women), divisible by 11 when ten digits."""
    if not _day_month(int(digits[4:6]), int(digits[2:4]) % 50 % 20):
        return False
    return len(digits) == 9 or (len(digits) == 10 and int(digits) % 11 == 0)


def bsn(digits: str) -> bool:
    """Dutch citizen number, eleven test."""
    return len(digits) == 9 and digits != "000000000" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def nir(digits: str) -> bool:
    """French social security number: 13 digits and a key (mod 97)."""
    return len(digits) == 15 and digits[0] in "12378" and (97 - int(digits[:13]) % 97) == int(digits[13:])


def be_rrn(digits: str) -> bool:
    """Belgian national number: mod 97, with a leading 2 for people born since 2000."""
    if len(digits) != 11:
        return False
    body, key = int(digits[:9]), int(digits[9:])
    return key in (97 - body % 97, 97 - (2_000_000_000 + body) % 97)


def ahv(digits: str) -> bool:
    """Swiss social insurance number: 756 and an EAN-13 check digit."""
    return len(digits) == 13 and digits.startswith("756") and _ean(digits)


def _ean(digits: str) -> bool:
    return (10 - weighted(digits, (1, 3) * 6) % 10) % 10 == int(digits[12])


def steuer_id(digits: str) -> bool:
    """German tax id: ISO 7064 mod 11,10."""
    if len(digits) != 11 or digits[0] == "0":
        return False
    product = 10
    for c in digits[:10]:
        s = (int(c) + product) % 10 or 10
        product = s * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def tckn(digits: str) -> bool:
    """Turkish identity number."""
    if len(digits) != 11 or digits[0] == "0":
        return False
    d = [int(c) for c in digits]
    tenth = (7 * sum(d[0:9:2]) - sum(d[1:8:2])) % 10
    return tenth == d[9] and sum(d[:10]) % 10 == d[10]


def cuit(digits: str) -> bool:
    """Argentine tax number: kind of holder and check digit."""
    if digits[:2] not in ("20", "23", "24", "25", "27", "30", "33", "34"):
        return False
    r = 11 - weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return len(digits) == 11 and {11: 0, 10: 9}.get(r, r) == int(digits[10])


def rut(value: str) -> bool:
    """Chilean number: body and check character, ``K`` for ten."""
    body, check = value[:-1], value[-1].upper()
    if not 7 <= len(body) <= 8:
        return False
    total = sum((2 + i % 6) * int(c) for i, c in enumerate(reversed(body)))
    return check == {11: "0", 10: "K"}.get(11 - total % 11, str(11 - total % 11))


_VERHOEFF_D = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_P = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def aadhaar(digits: str) -> bool:
    """Indian identity number: 12 digits, Verhoeff."""
    if len(digits) != 12 or digits[0] in "01":
        return False
    c = 0
    for i, ch in enumerate(reversed(digits)):
        c = int(_VERHOEFF_D[c][int(_VERHOEFF_P[i % 8][int(ch)])])
    return c == 0


def cn_id(value: str) -> bool:
    """Chinese resident id: birth date and ISO 7064 mod 11,2 (check may be ``X``)."""
    if len(value) != 18 or not 1900 <= int(value[6:10]) <= 2100 or not _day_month(int(value[12:14]), int(value[10:12])):
        return False
    return "10X98765432"[weighted(value[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11] == value[17].upper()


def za_id(digits: str) -> bool:
    """South African id: date, citizenship digit, Luhn."""
    return len(digits) == 13 and yymmdd(digits) and digits[10] in "01" and luhn(digits)


def sin(digits: str) -> bool:
    """Canadian social insurance number."""
    return len(digits) == 9 and digits[0] != "8" and luhn(digits)


def nhs(digits: str) -> bool:
    """NHS number (England), mod 11."""
    return len(digits) == 10 and (11 - weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(digits[9])


def tfn(digits: str) -> bool:
    """Australian tax file number."""
    return len(digits) == 9 and weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def medicare(digits: str) -> bool:
    """Australian Medicare card number (10 or 11 digits)."""
    return len(digits) in (10, 11) and digits[0] in "23456" and weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def cnp(digits: str) -> bool:
    """Romanian person number."""
    if len(digits) != 13 or digits[0] == "0" or not yymmdd(digits[1:]):
        return False
    return {10: 1}.get(
        weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11, weighted(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    ) == int(digits[12])


def my_number(digits: str) -> bool:
    """Japanese individual number."""
    if len(digits) != 12:
        return False
    r = weighted(digits[10::-1], (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6)) % 11
    return (0 if r <= 1 else 11 - r) == int(digits[11])


def birth_date(digits: str) -> bool:
    """Eight digits (any order of day, month, year) or six, that read as a date of the last 130 years."""
    if len(digits) == 8:
        for y, m, d in ((digits[:4], digits[4:6], digits[6:]), (digits[4:], digits[2:4], digits[:2]), (digits[4:], digits[:2], digits[2:4])):
            if 1890 <= int(y) <= date.today().year and _day_month(int(d), int(m)):  # noqa: DTZ011 - a year bound, not a time
                return True
    return len(digits) == 6 and (yymmdd(digits) or ddmmyy(digits) or _day_month(int(digits[2:4]), int(digits[:2])))


def nino(value: str) -> bool:
    """UK national insurance number: allowed prefixes, suffix A to D."""
    v = value.upper()
    return v[0] not in "DFIQUV" and v[1] not in "DFIOQUV" and v[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") and v[-1] in "ABCD"


def dni(value: str) -> bool:
    """Spanish DNI or NIE: check letter."""
    v = value.upper()
    body = {"X": "0", "Y": "1", "Z": "2"}.get(v[0], v[0]) + v[1:-1]
    return len(body) == 8 and "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == v[-1]


_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def codice_fiscale(value: str) -> bool:
    """Italian tax code: check letter."""
    v = value.upper()
    total = sum(_CF_ODD[c] if i % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for i, c in enumerate(v[:15]))
    return len(v) == 16 and chr(65 + total % 26) == v[15]


def nric(value: str) -> bool:
    """Singapore identity number: check letter."""
    v = value.upper()
    total = weighted(v[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(v[0], 0)
    if v[0] == "M":
        return "KLJNPQRTUWX"[::-1][(total % 11)] == v[8] or "XWUTRQPNJLK"[total % 11] == v[8]
    return ("JZIHGFEDCBA" if v[0] in "ST" else "XWUTRQPNMLK")[total % 11] == v[8]


def tw_id(value: str) -> bool:
    """Taiwan identity number."""
    n = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))[value[0].upper()]
    return (n // 10 + n % 10 * 9 + weighted(value[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hetu(value: str) -> bool:
    """Finnish personal code: date and check character."""
    return ddmmyy(value) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(value[:6] + value[7:10]) % 31] == value[10].upper()


def lettered_id(value: str) -> bool:
    """Singapore, Taiwan, Finland, Mexico (CURP) or China, by shape."""
    if len(value) == 9:
        return nric(value)
    if len(value) == 10:
        return value[0].isalpha() and tw_id(value)
    if len(value) == 18:
        return cn_id(value) if value[0].isdigit() else _day_month(int(value[8:10]), int(value[6:8]))
    return len(value) == 11 and hetu(value)
