"""Matcher for street addresses that say what they are: a number and a street word, or a box."""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
from collections.abc import Sequence

import re2

from collector.redaction.matching import Handler, Span
from collector.redaction.rules import Rule

_ACCENT = "A-Za-zÀ-ɏ"
_NAME = rf"(?:[A-ZÀ-ž][{_ACCENT}'’.\-]*|[0-9]{{1,3}}(?:st|nd|rd|th)|de|del|la|las|los|of|the|van|der|den|von)"
_PROPER = rf"(?:[A-ZÀ-ž][{_ACCENT}'’.\-]*|[0-9]{{1,3}}(?:st|nd|rd|th))"
_SUFFIX = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Drv|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Trail|Trl|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Crescent|Cres|"
    "Alley|Aly|Row|Mews|Quay|Esplanade|Promenade|Close|Gardens|Gdns|Grove|Hill|Heights|Mount|Park|Plaza|Plz|Path|Pike|Pass|Point|Ridge|Loop|Turnpike|Tpke|Expressway|Freeway|Causeway|"
    "Commons|Crossing|Xing|Green|Way|Walk|Wharf|Vale|View|Villas|Yard|Bypass|Broadway|Parade|Rise|Route|Run|Spur|Springs|Station|Village|Cove|Bend|Bluff|Bridge|Creek|Dale|Estate|Estates|Field|Fields|Ford|"
    "Gate|Glen|Harbor|Harbour|Haven|Hollow|Island|Isle|Junction|Key|Knoll|Knolls|Lake|Lakes|Landing|Manor|Meadow|Meadows|Mill|Mills|Orchard|Oval|Overlook|Pines|Prairie|Shore|Shores|Summit|Trace|Track|Tunnel|Union|Valley|Viaduct|Vista|"
    "Strasse|Straße|Allee|Platz|Weg|Gasse|Straat|Laan|Gatan|Vej|Gade|Katu|Tie"
)
_UNIT = r"(?:,?\s+(?:#\s?|Apt\.?\s|Apartment\s|Suite\s|Ste\.?\s|Unit\s|Floor\s|Fl\.?\s|Flat\s|Room\s|Rm\.?\s)[A-Za-z0-9\-]{1,6})?"
_TOWN = r"(?:,?\s+[A-Z][A-Za-z.]+(?:\s[A-Z][a-z]+){0,2},?\s+[A-Z]{2},?\s+[0-9]{5}(?:-[0-9]{4})?)?"
_L, _R = r"[^\w.\-/$€£#]", r"[^A-Za-z0-9]"
_PLAIN = re.compile(  # the usual form, which the exact pattern would take three times as long for
    rf"(?<![\w.\-/$#\x80-\xff])[0-9]{{1,6}}+ (?:[A-Z][a-z]+ ){{1,3}}(?:{_SUFFIX})(?=[,;|\r\n\"<>\0]| [a-z0-9])(?!,?\s+[A-Z#])".encode()
)
_LISTED = re.compile(  # the same for lists: the last word is looked up
    rb"(?<![\w.\-/$#\x80-\xff])[0-9]{1,6}+ (?:[A-Z][a-z]+ ){1,3}([A-Z][a-z]+)(?=[,;|\r\n\"<>\0]| [a-z0-9])(?!,?\s+[A-Z#])"
)
STREET_WORDS = frozenset(_SUFFIX.encode().split(b"|"))
_NUMBER = re.compile(rb"(?s:.)*[^0-9]([0-9]+)")  # the last one
_PATTERNS = {
    "number-street": rf"{_L}[0-9]{{1,6}}(?:[A-Z]|-[0-9]{{1,4}}|\s1/2)?,?\s(?:[NSEW]{{1,2}}\.?\s|(?:North|South|East|West)\s)?{_PROPER}\s(?:{_NAME}\s){{0,3}}(?:{_SUFFIX})\b\.?(?:\s(?:[NSEW]{{1,2}}|North|South|East|West)\b)?{_UNIT}{_TOWN}[^A-Za-z]",
    "number-rue": rf"{_L}[0-9]{{1,4}}(?:\s?(?:bis|ter|[A-F]))?,?\s(?:rue|avenue|boulevard|bd|chemin|impasse|allée|place|quai|cours|route|via|viale|piazza|corso|calle|avenida|paseo|plaza|rua|travessa)\s(?:{_NAME}|(?:du|des|aux|da|do|à|d'|l')\s?[{_ACCENT}'’\-]+)(?:\s(?:{_NAME}|du|des|aux|da|do|à))*{_R}",
    "street-number": rf"[^\w](?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Carrer|Via|Viale|Piazza|Corso|Rua|Travessa|Largo|ul\.|ulica|al\.)\s(?:{_NAME}\s){{0,4}}{_NAME},?\s(?:n[º°.]?\s?)?[0-9]{{1,5}}{_R}",
    "strasse-number": rf"[^\w](?:{_NAME}\s){{0,2}}[A-ZÀ-ž][{_ACCENT}\-]*(?:str(?:aße|asse|\.)|weg|gasse|platz|allee|damm|ufer|ring|straat|laan|plein|gracht|kade|dijk|gatan|vägen|vej|gade|veien|gata|katu|tie|kuja|utca)\s[0-9]{{1,4}}(?:\s?[a-zA-Z])?{_R}",
    "box": rf"[^A-Za-z](?:P\.?\s?O\.?\s?Box|Post Office Box|Postfach|PSC\s[0-9]+,?\sBox|Apartado|Casilla|CMR\s[0-9]+,?\sBox|Unit\s[0-9]+\sBox)\s#?[0-9]{{1,6}}(?:\s?\n?[AFD]PO\sA[AEP]\s[0-9]{{5}})?{_R}",
}


def plain_addresses(b: bytes, numbers: Sequence[int], hi: int) -> list[Span]:
    """The addresses in their usual form that begin with one of these numbers, as the matcher finds them."""
    match = _LISTED.match
    return [(at, m.end(), "STREET_ADDRESS") for at in numbers if (m := match(b, at, hi + 1)) and m[1] in STREET_WORDS]


def address_handler(rule: Rule) -> Handler:
    """Street and number in the notation that ``rule.shape`` names, with a character on either side; the trigger ends in the street word, behind it, or in the number."""
    pattern = re2.compile(_PATTERNS[rule.shape].encode())
    plain = rule.shape == "number-street"

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        number = _NUMBER.match(b, max(lo - 1, to - 48), to) if plain else None
        usual = _PLAIN.match(b, number.start(1), min(hi + 1, to + 64)) if number else None
        if usual and to <= usual.end() + 1:
            out.append((*usual.span(), rule.class_name))
            return max(to, usual.end())
        first, last = max(lo, to - 72), min(hi, to + 80)
        while first > lo and b[first] & 0xC0 == 0x80:
            first -= 1
        while last < hi and b[last] & 0xC0 == 0x80:
            last += 1
        window, at = b"\0%b\0" % b[first:last], 0  # a character of no word on either side
        while (m := pattern.search(window, at)) is not None:
            start, end = m.span()
            at = _last(window, end)
            start, end = first - 1 + _next(window, start), first - 1 + at
            if start >= to:
                break
            if end + 1 >= to:
                out.append((start, end, rule.class_name))
                return max(to, end)
        return to

    return handle


def _next(raw: bytes, at: int) -> int:
    """Where the character after the one at ``at`` begins."""
    at += 1
    while raw[at] & 0xC0 == 0x80:
        at += 1
    return at


def _last(raw: bytes, end: int) -> int:
    """Where the last character before ``end`` begins."""
    end -= 1
    while raw[end] & 0xC0 == 0x80:
        end -= 1
    return end
