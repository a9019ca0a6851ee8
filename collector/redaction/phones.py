"""Is a group of digits a telephone number? Shapes of national plans first, words around where the shape says too little.

Sources: ITU E.164 country codes; NANPA, Ofcom, ARCEP, BNetzA and the other national numbering plans for group sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

_CODES = frozenset(str(code) for code in (
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66,
    81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98, 211, 212, 213, 216, 218, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233,
    234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258, 260, 261, 262, 263,
    264, 265, 266, 267, 268, 269, 290, 291, 297, 298, 299, 350, 351, 352, 353, 354, 355, 356, 357, 358, 359, 370, 371, 372, 373, 374, 375, 376,
    377, 378, 380, 381, 382, 383, 385, 386, 387, 389, 420, 421, 423, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594,
    595, 596, 597, 598, 599, 670, 672, 673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692, 800, 808,
    850, 852, 853, 855, 856, 870, 878, 880, 881, 882, 883, 886, 888, 960, 961, 962, 963, 964, 965, 966, 967, 968, 970, 971, 972, 973, 974, 975,
    976, 977, 979, 992, 993, 994, 995, 996, 998
))  # fmt: skip


def country_code(digits: str) -> bool:
    """Do the digits begin with an assigned E.164 country code?"""
    return digits[:1] in ("1", "7") or digits[:2] in _CODES or digits[:3] in _CODES


@cache
def country_prefixes() -> bytes:
    """Which three digits, as a number, begin with such a code: a byte each, 0 or 1."""
    return bytes(country_code(f"{k:03d}") for k in range(1000))


def phone(sizes: list[int], digits: str, seps: Sequence[str], *, plus: bool, spoken: bool, refused: Callable[[], bool]) -> bool:
    """Judge one candidate.

    Args:
        sizes: digits per group, in order.
        digits: all digits.
        seps: what stands before each group but the first, reduced to one of ``-``, ``.``, `` ``, ``/``, ``(``.
        plus: a ``+`` stands directly before.
        spoken: is a word for telephones near? It counts only when the shape alone does not tell.
        refused: is a word near that says it is some other number? Asked last.
    """
    n = len(digits)
    if not 7 <= n <= 17 or digits == digits[0] * n:
        return False
    if plus:
        return _international(sizes, digits, seps, n) and (n > 7 or spoken)
    if own_shape(sizes, seps, digits):
        return not refused()
    return spoken and _plausible(sizes, seps, digits) and not refused()


def _international(sizes: Sequence[int], digits: str, seps: Sequence[str], n: int) -> bool:
    if n > 15 or not country_code(digits) or seps.count(".") == len(seps) == 1:
        return False
    return len(sizes) > 1 or n >= 10


class Form(NamedTuple):
    """What the digits of a layout must be: of some places which digits, and where among them a country code stands, if anywhere."""

    places: tuple[tuple[int, str], ...]
    country: int | None = None

    def holds(self, digits: str) -> bool:
        """Are the digits so?"""
        for at, some in self.places:
            if digits[at] not in some:
                return False
        return self.country is None or country_code(digits[self.country :])


def own_form(sizes: Sequence[int], seps: Sequence[str], digits: str) -> Form | None:
    """What must hold for groups of these sizes to have a shape that little else has, or None. Of ``digits`` only leading zeros are looked at:
    all others may be told as ``1``."""
    n, several = len(digits), len(sizes)
    if several < 2:
        return None
    if digits.startswith("00"):
        return Form((), 2) if (sizes[0] > 1 if n > 12 else several > 2 and n > 9) else None
    local, one = (tuple(sizes[1:]), ((0, "1"),)) if sizes[0] == 1 else (tuple(sizes), ())
    if local == (3, 3, 4) and (one or digits[0] != "0"):  # North America
        return Form((*one, (len(one), "23456789"), (len(one) + 3, "123456789"))) if len(set(seps)) <= 3 else None
    if local == (3, 7) and "(" in seps:
        return Form(one)
    if digits[0] == "0" and _trunk(sizes, n):
        return Form(((1, "1"),) if n > 11 else ())
    if tuple(sizes) == (1, 3, 3, 2, 2):
        return Form(((0, "78"), (1, "3489")))  # Russia and Kazakhstan with trunk prefix
    return Form(((0, "1"), (1, "1"))) if sizes[0] == 2 and several == 3 and max(sizes) == 5 else None  # Brazil without country code


def own_shape(sizes: Sequence[int], seps: Sequence[str], digits: str) -> bool:
    """Shapes that little else has."""
    form = own_form(sizes, seps, digits)
    return form is not None and form.holds(digits)


def _trunk(sizes: Sequence[int], n: int) -> bool:
    """Groups of a number dialled with trunk prefix 0, the prefix included: Europe, Asia, Africa, Australia."""
    if n == 12:
        return tuple(sizes) == (4, 8)  # German mobile numbers
    if len(sizes) < 2 or not 9 <= n <= 11 or min(sizes) < 2 or sizes[0] > 6 or max(sizes) > 8:
        return False
    if sizes[0] == 6:
        return tuple(sizes) == (6, 5)  # India
    return sizes[0] > 2 or len(sizes) == 5 or sizes[1] >= 3 or tuple(sizes) == (2, 2, 3, 4)  # the last: Hungary


def _plausible(sizes: Sequence[int], seps: Sequence[str], digits: str) -> bool:
    """Could be a number if a word says so."""
    n = len(digits)
    if n > 15 or len(sizes) > 7 or (len(sizes) > 1 and max(sizes) > 10):
        return False
    if len(sizes) > 1 and sizes[0] == 4 and digits[:2] in ("19", "20") and set(sizes[1:]) <= {1, 2}:
        return False  # a date
    if seps and set(seps) <= {".", "/"} and n == 8 and sizes[-1] == 4:
        return False  # a date, day first
    if len(sizes) == 4 and set(seps) == {"."} and max(sizes) <= 3:
        return False  # an IP address
    if len(sizes) == 2 and seps[0] == ".":
        return False  # a decimal
    return not (len(sizes) == 1 and n in (10, 13) and digits[0] == "1" and digits[1] in "5678")  # a Unix time
