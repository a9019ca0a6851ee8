"""People's data in the styles that people and programs write it in: nothing of a value survives.

Written without the shared data: telephone numbers of 45 countries, every IBAN country, cards with all separators, mail and network addresses.
"""

# ruff: noqa: E501 - data

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import Redactor
from collector.redaction.phones import own_form, phone

Survivors = Callable[[list[str], list[str]], list[tuple[str, str]]]

PHONES = {
    "US": ["(415) 555-0132", "415-555-0132", "415.555.0132", "+1 415 555 0132", "1-415-555-0132", "+14155550132"],
    "UK": ["+44 20 7946 0958", "020 7946 0958", "07700 900123", "+447700900123", "0161 496 0000", "(0)20 7946 0958"],
    "DE": ["+49 30 901820", "030 901820", "+49 (0)30 901820", "0171 1234567", "0049 171 1234567"],
    "FR": ["+33 1 42 68 53 00", "01 42 68 53 00", "06.12.34.56.78", "0612345678", "+33612345678"],
    "ES": ["+34 612 34 56 78", "612 345 678", "912 34 56 78"],
    "IT": ["+39 06 1234 5678", "+39 347 123 4567", "347 1234567"],
    "NL": ["+31 6 12345678", "06-12345678", "020-1234567"],
    "BE": ["+32 470 12 34 56", "0470 12 34 56"],
    "CH": ["+41 79 123 45 67", "079 123 45 67"],
    "AT": ["+43 664 1234567", "0664 1234567"],
    "PL": ["+48 501 234 567", "501-234-567"],
    "SE": ["+46 70 123 45 67", "070-123 45 67"],
    "NO": ["+47 912 34 567", "912 34 567"],
    "DK": ["+45 20 12 34 56", "20 12 34 56"],
    "FI": ["+358 40 1234567", "040 1234567"],
    "PT": ["+351 912 345 678", "912 345 678"],
    "IE": ["+353 85 123 4567", "085 123 4567"],
    "IN": ["+91 98765 43210", "098765 43210", "+91-9876543210", "98765-43210"],
    "CN": ["+86 138 0013 8000", "138 0013 8000", "13800138000"],
    "JP": ["+81 90-1234-5678", "090-1234-5678", "03-1234-5678"],
    "KR": ["+82 10-1234-5678", "010-1234-5678"],
    "AU": ["+61 412 345 678", "0412 345 678", "(02) 9374 4000"],
    "NZ": ["+64 21 123 4567", "021 123 4567"],
    "BR": ["+55 11 91234-5678", "(11) 91234-5678", "11 91234-5678"],
    "MX": ["+52 55 1234 5678", "55 1234 5678"],
    "AR": ["+54 9 11 1234-5678"],
    "ZA": ["+27 82 123 4567", "082 123 4567"],
    "NG": ["+234 803 123 4567", "0803 123 4567"],
    "KE": ["+254 712 345678"],
    "EG": ["+20 100 123 4567"],
    "IL": ["+972 50-123-4567", "050-123-4567"],
    "AE": ["+971 50 123 4567"],
    "SA": ["+966 50 123 4567"],
    "TR": ["+90 532 123 45 67", "0532 123 45 67"],
    "RU": ["+7 912 345-67-89", "8 (912) 345-67-89"],
    "UA": ["+380 67 123 4567"],
    "SG": ["+65 9123 4567", "9123 4567"],
    "HK": ["+852 9123 4567"],
    "PH": ["+63 917 123 4567"],
    "ID": ["+62 812-3456-7890"],
    "TH": ["+66 81 234 5678"],
    "VN": ["+84 91 234 56 78"],
    "GR": ["+30 691 234 5678"],
    "CZ": ["+420 601 234 567"],
    "HU": ["+36 30 123 4567"],
    "RO": ["+40 721 234 567"],
}
SPOKEN = [
    "Call me on @V@ after six",
    "phone: @V@",
    "Tel. @V@",
    '{"phone":"@V@"}',
    '{"mobile": "@V@", "name": "A"}',
    "My number is @V@.",
    "WhatsApp @V@ please",
    "contact @V@ or mail",
    "phone_number=@V@",
    "reach me at @V@, thanks",
]
IBANS = {
    "AD": "00012030200359100100",
    "AE": "0331234567890123456",
    "AL": "212110090000000235698741",
    "AT": "1904300234573201",
    "AZ": "NABZ00000000137010001944",
    "BA": "1290079401028494",
    "BE": "539007547034",
    "BG": "BNBG96611020345678",
    "BH": "BMAG00001299123456",
    "BR": "00360305000010009795493C1",
    "BY": "NBRB3600900000002Z00AB00",
    "CH": "00762011623852957",
    "CR": "015202001026284066",
    "CY": "002001280000001200527600",
    "CZ": "08000000192000145399",
    "DE": "370400440532013000",
    "DK": "00400440116243",
    "DO": "BAGR00000001212453611324",
    "EE": "2200221020145685",
    "ES": "21000418450200051332",
    "FI": "12345600000785",
    "FO": "64600001631634",
    "FR": "20041010050500013M02606",
    "GB": "NWBK60161331926819",
    "GE": "NB0000000101904917",
    "GI": "NWBK000000007099453",
    "GL": "64710001000206",
    "GR": "01101250000000012300695",
    "GT": "TRAJ01020000001210029690",
    "HR": "10010051863000160",
    "HU": "117730161111101800000000",
    "IE": "AIBK93115212345678",
    "IL": "0108000000099999999",
    "IS": "0159260076545510730339",
    "IT": "X0542811101000000123456",
    "JO": "CBJO0010000000000131000302",
    "KW": "CBKU0000000000001234560101",
    "KZ": "125KZT5004100100",
    "LB": "099900000001001901229114",
    "LI": "088100002324013AA",
    "LT": "1000011101001000",
    "LU": "0019400644750000",
    "LV": "BANK0000435195001",
    "MC": "11222000010123456789030",
    "MD": "AG000225100013104168",
    "ME": "505000012345678951",
    "MK": "250120000058984",
    "MR": "00020001010000123456753",
    "MT": "MALT011000012345MTLCAST001S",
    "MU": "BOMM0101101030300200000MUR",
    "NL": "ABNA0417164300",
    "NO": "86011117947",
    "PK": "SCBL0000001123456702",
    "PL": "109010140000071219812874",
    "PS": "PALS000000000400123456702",
    "PT": "000201231234567890154",
    "QA": "DOHB00001234567890ABCDEFG",
    "RO": "AAAA1B31007593840000",
    "RS": "260005601001611379",
    "SA": "80000000608010167519",
    "SE": "50000000058398257466",
    "SI": "191000000123438",
    "SK": "12000000198742637541",
    "SM": "U0322509800000000270100",
    "TN": "10006035183598478831",
    "TR": "0006100519786457841326",
    "UA": "3223130000026007233566001",
    "VG": "VPVG0000012345678901",
    "XK": "1212012345678906",
}
CARDS = {
    "VISA": ("4929", 16),
    "MC": ("5412", 16),
    "MC2": ("2720", 16),
    "AMEX": ("3714", 15),
    "DISC": ("6011", 16),
    "JCB": ("3530", 16),
    "DIN": ("3056", 14),
    "UP": ("6222", 16),
    "MAES": ("6304", 16),
}
MAILS = [
    "ana.berg@example.com",
    "a+b@sub.example.co.uk",
    "O'Neil@example.ie",
    "x_y-z@ex-ample.io",
    "ana@münchen.de",
    "名前@example.jp",
    "ana@example.museum",
    "first.last@dept.uni.edu",
    "ANA@EXAMPLE.ORG",
    "n1@example.ai",
    "user@localhost.localdomain",
    "info@firma.berlin",
    "a@b.co",
]
MAIL_BOXES = [
    "mail @V@ now",
    "<@V@>",
    "mailto:@V@?subject=x",
    '"@V@"',
    "[@V@](mailto:x)",
    "To: Ana <@V@>, Bob",
    "email=@V@&x=1",
    "\\n@V@\\n",
    "请联系@V@谢谢",
    "from:@V@",
]
ADDRESSES = ["203.0.113.7", "8.8.8.8", "192.168.1.10", "2001:db8::1", "fe80::1ff:fe23:4567:890a", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fdab::1",
             "00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7", "de:ad:be:ef:ca:fe", "ca-fe-ba-be-de-ad", "cafe.babe.beef"]  # fmt: skip


@pytest.mark.parametrize("country", PHONES)
def test_a_telephone_number_goes_in_the_notation_of_its_country(country: str, survivors: Survivors) -> None:
    assert survivors(PHONES[country], SPOKEN) == []


@pytest.mark.parametrize("country", IBANS)
def test_an_iban_of_every_country_goes_with_and_without_blanks(country: str, survivors: Survivors) -> None:
    digits = "".join(str(int(c, 36)) for c in IBANS[country] + country + "00")
    iban = f"{country}{98 - int(digits) % 97:02d}{IBANS[country]}"
    spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    assert survivors([iban, spaced], ["IBAN: @V@", "transfer to @V@ today", '{"iban":"@V@"}', "account @V@."]) == []


@pytest.mark.parametrize("issuer", CARDS)
@pytest.mark.parametrize("separator", ["", " ", "-", ".", "\u00a0", "\u2009", " - ", "_", "/", "\t"])
def test_a_card_goes_with_any_separator(issuer: str, separator: str, survivors: Survivors) -> None:
    prefix, length = CARDS[issuer]
    rng = random.Random(issuer)
    digits = prefix + "".join(rng.choice("0123456789") for _ in range(length - len(prefix) - 1))
    total = sum(sum(divmod(2 * int(c), 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(digits)))
    digits += str(-total % 10)
    groups = [digits[i : i + 4] for i in range(0, 16, 4)] if length == 16 else [digits[:4], digits[4:10], digits[10:]]
    boxes = ["my card @V@ please", '{"card_number":"@V@"}', "charge @V@ exp 12/27", "pan=@V@&x", "Card: @V@\nCVV 123"]
    assert survivors([separator.join(groups)], boxes) == []


def test_mail_addresses_go(survivors: Survivors) -> None:
    assert survivors(MAILS, MAIL_BOXES) == []


def test_network_addresses_go(survivors: Survivors) -> None:
    assert survivors(ADDRESSES, ["from @V@ to", "client=@V@\n", '{"ip":"@V@"}', "@V@"]) == []


ROWS = {
    "two in brackets": "call (202) 555-0143 (202) 555-0199 now",
    "brackets": " ".join(f"(202) 555-{n}" for n in range(1200, 1260)),
    "dashes": " ".join(f"415-555-{n}" for n in range(1200, 1260)),
    "security numbers": " ".join(f"219-09-{n}" for n in range(1200, 1260)),
    "cards": "4111 1111 1111 1111 5500 0000 0000 0004 4012 8888 8888 1881",
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_of_a_row_of_numbers_with_only_blanks_between_them_each_goes(row: str) -> None:
    found = Redactor().redact(row)
    assert found.dropped is None
    assert not re.search(r"[0-9]{2}", found.text)


def test_rows_of_a_table_of_numbers_stay() -> None:
    row = "4111 1112 1111 1113 4111 1111 1111 1117 5663 3141 1336 2718"
    assert Redactor().redact(row).text == row


@given(groups=st.lists(st.text("0123456789", min_size=1, max_size=10), min_size=1, max_size=6), data=st.data())
def test_a_number_that_is_a_phone_by_its_shape_alone_has_a_layout_that_may_be_one(groups: list[str], data: st.DataObject) -> None:
    seps = data.draw(st.lists(st.sampled_from("-. /("), min_size=len(groups) - 1, max_size=len(groups) - 1))
    sizes, digits = [len(g) for g in groups], "".join(groups)
    if phone(sizes, digits, seps, plus=False, spoken=False, refused=lambda: False):
        assert own_form(sizes, seps, "".join("0" if c == "0" else "1" for c in digits)) is not None


@pytest.mark.parametrize("before", ["user1 ", "row2\t", "line3\n", "Room B12 ", "sha1\\n", "v2\r\n"])
@pytest.mark.parametrize(
    ("value", "stands"),
    [("219-09-9999", "[US_SSN]"), ("4111 1111 1111 1111", "[CREDIT_CARD]"), ("(202) 555-0143", "[PHONE]"), ("4111111111111111", "[CREDIT_CARD]")],
)
def test_a_word_that_ends_in_a_digit_before_a_number_hides_nothing(before: str, value: str, stands: str) -> None:
    assert Redactor().redact(f"{before}{value} was it").text == f"{before}{stands} was it"
