"""Values in the styles that people and programs write them in: nothing of a value survives, and what only looks like one stays.

Written without the shared data: vendor keys in code, logs and configuration, telephone numbers of 45 countries, every IBAN country, cards with
all separators, connection strings, private keys on one line, identifiers and figures of programs.
"""

# ruff: noqa: E501 - data

from __future__ import annotations

import base64
import json
import random
import re

import pytest

from collector.redaction import Redactor
from collector.redaction.rules import example

REDACTOR = Redactor()

KEYS = {
    "OPENAI": "sk-proj-{w48}T3BlbkFJ{w48}",
    "ANTH": "sk-ant-api03-{w93}AA",
    "AWS": "AKIA{U16}",
    "GH": "ghp_{w36}",
    "GHF": "github_pat_{w22}_{w59}",
    "GL": "glpat-{w20}",
    "SLACK": "xoxb-{d12}-{d12}-{w24}",
    "STRIPE": "sk_live_{w24}",
    "STRIPE2": "rk_live_{w99}",
    "GOOGLE": "AIza{w35}",
    "GOCSPX": "GOCSPX-{w28}",
    "HF": "hf_{w34}",
    "GROQ": "gsk_{w52}",
    "XAI": "xai-{w80}",
    "PPLX": "pplx-{w48}",
    "NPM": "npm_{w36}",
    "PYPI": "pypi-AgEIcHlwaS5vcmc{w70}",
    "SG": "SG.{w22}.{w43}",
    "TWILIO": "SK{h32}",
    "DO": "dop_v1_{h64}",
    "SHOP": "shpat_{h32}",
    "DBX": "dapi{h32}",
    "VAULT": "hvs.{w90}",
    "LINEAR": "lin_api_{w40}",
    "NOTION": "ntn_{w46}",
    "NR": "NRAK-{L27}",
    "PMAK": "PMAK-{h24}-{h34}",
    "SENTRY": "sntrys_{w60}",
    "TG": "{d9}:AA{w33}",
    "PCSK": "pcsk_{w6}_{w60}",
    "LS": "lsv2_pt_{h32}_{h10}",
    "GRAF": "glsa_{w32}_{h8}",
    "DOPPLER": "dp.pt.{w43}",
    "AGE": "AGE-SECRET-KEY-1{L58}",
    "RESEND": "re_{w8}_{w24}",
    "REPL": "r8_{w37}",
    "FIGMA": "figd_{w40}",
    "DOCKER": "dckr_pat_{w27}",
    "CFL": "ATATT3xFfGF0{w180}",
    "MAILGUN": "key-{h32}",
    "MC": "{h32}-us12",
    "SQUARE": "EAAA{w60}",
    "DISCORD": "M{w23}.{w6}.{w38}",
    "CLOJ": "CLOJARS_{l60}",
    "PSCALE": "pscale_tkn_{w43}",
    "HEROKU": "HRKU-{w60}",
    "AZST": "{b86}==",
}
BOXES = [
    "export API_KEY=@V@\n",
    '{"api_key":"@V@"}',
    "client = Client(api_key='@V@')",
    "2026-01-02 12:00:01 INFO using @V@ for request",
    "Authorization: Bearer @V@",
    'curl -H "x-api-key: @V@" https://x.io',
    "key: @V@",
    "- @V@\n",
    "`@V@`",
    '{\\"key\\":\\"@V@\\"}',
    "https://api.x.io/v1?key=@V@&n=1",
    "See @V@. Thanks",
    "ENV TOKEN @V@",
    "<token>@V@</token>",
    "@V@",
    "\t@V@\n",
    'args=["--token","@V@"]',
    "set TOKEN=@V@ && run",
    "token=@V@;path=/",
    "我的密钥是@V@谢谢",
]
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
LOGINS = [
    "postgresql://app:{w12}!@db.internal:5432/x",
    "mongodb+srv://root:{w16}@c0.mongodb.net/?retryWrites=true",
    "redis://:{w20}@cache:6379/0",
    "amqp://svc:{w14}@mq/vh",
    "mysql+pymysql://u:{w10}%23a@h/d",
    "Server=tcp:x.database.windows.net;User ID=sa;Password={w14}!;",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b86}==;EndpointSuffix=core.windows.net",
    "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=R;SharedAccessKey={b43}=",
    "jdbc:oracle:thin:scott/{w10}9@//h:1521/x",
    "jdbc:postgresql://h/db?user=u&password={w14}",
    "https://user:{w14}@git.example.com/r.git",
    "snowflake://u:{w12}@acc/db",
    "smtp://apikey:{w24}@smtp.x.com:587",
    "ftp://bob:{w9}7@h/p",
    "clickhouse://default:{w14}@h:9000",
]
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
PASSWORDS = ["Winter2024!", "hunter2", "correct-horse-7", "P@ssw0rd123", "s3cr3tVALUE", "aB3$kLm9"]
SAID = ["password: @V@", "password=@V@\n", '"password": "@V@"', "passwd='@V@'", "PGPASSWORD=@V@ psql", "DB_PASSWORD: @V@\n", "my password is @V@ ok", "--password @V@",
        "user=a;pwd=@V@;", "Password for admin is @V@", "das Passwort ist @V@", "mysql -u root -p@V@ db", "<password>@V@</password>", "password -> @V@", "contraseña: @V@",
        "密码：@V@", "пароль: @V@", "pass: @V@"]  # fmt: skip
INNOCENT = [
    "order 4929-1182-0031",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "at 1714521600",
    "ts=1714521600123",
    "2026-11-21T15:04:05.123456Z",
    "v1.2.3-beta.4+build.567",
    "Chrome/126.0.6478.127",
    "$1,234,567.89",
    "€ 12.500,00",
    "ISBN 978-3-16-148410-0",
    "ISBN-10: 0-306-40615-2",
    "doi:10.1000/182",
    "RFC 2616 section 14.9",
    "pi=3.14159265358979",
    "[0.123456,-0.987654,0.55512]",
    "0xDEADBEEF",
    "x = a[1000:2000:10]",
    "fiscal years 2021-2022-2023",
    "12:34:56.789",
    "rows 1000-2000",
    "port 8080:80",
    "std::vector<int>::iterator",
    "git@github.com:org/repo.git",
    "npm i left-pad@1.3.0",
    "max_tokens=4096",
    '"total_tokens": 123456',
    'api_key=os.environ["KEY"]',
    "password: ${DB_PASSWORD}",
    "token = get_token()",
    "the password must be 8 characters",
    "secret santa 2024",
    "invoice INV-2024-000123",
    "tracking 1Z999AA10123456784",
    "zip 94105-1234",
    "page 12-13",
    "temperature 36.6",
    "lat 37.7749, lon -122.4194",
    "chapter 3.4.5.6",
    "version 10.0.19045.4291",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "chatcmpl-AbCdEf123456GhIjKlMnOpQr",
    "req_011CSHoEeqs5C35K2UUqR7Fy",
    "toolu_01A09q90qw90lq917835lq9",
    "call_abc123def456",
    "span_id=00f067aa0ba902b7",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "f(x)=2*x+1",
    "1 2 3 4 5 6 7 8 9 10",
    "3 + 4 = 7",
    "1,2,3,4",
    "E=mc^2 with m=9.109e-31",
    "2^64=18446744073709551616",
    "12 monkeys",
    "7 Main points",
    "100 Great ideas",
    "section 12 Road map",
    "5 Star hotel",
    "room 404",
    "flight LH 400",
    "GB 2024",
    "AB12 CDE",
    "ID: 12345",
    "user 42",
    "batch 20240101",
    "SKU 12345-678",
    "part no 123-45-678",
    "score 98.6/100",
    "ratio 16:9",
    "10.5281/zenodo.1234567",
    "arXiv:2301.12345",
    "CVE-2024-12345",
    "PR #12345",
    "JIRA-1234",
    "utf-8",
    "ISO 8601",
    "HTTP/1.1 200",
    ":::note",
    "foo@bar",
    "@decorator",
    "x@y",
    "a@b.c",
    "import re, os",
    "SELECT * FROM t WHERE id=12345678",
    "1970-01-01",
    "31.12.2024",
    "12/31/2024",
    "Q3 2024",
    "16 GB",
    "1.5e10",
    "0.1 + 0.2",
    "uuid4().hex",
    "key=lambda x: x[1]",
    "keys: a, b",
    'sort_key="name"',
    "primary_key=True",
    'cache_key = f"{a}:{b}"',
    "token_count: 1500",
    "tokens per second 120",
    "secret sauce",
    "passport to success",
    "call the function",
    "phone book",
    "dial tone",
    "the card game",
    "social skills",
    "bank holiday",
    "account manager",
    "address bar",
    "IP rights",
    "mac and cheese",
    "SWIFT language",
    "bearer of news",
    "basic knowledge",
    "session at 10:00",
    "cookie recipe 2 eggs",
]
AROUND = ["@V@", "text @V@ more", '{"a":"@V@"}', "- @V@\n", "see @V@, ok"]


def survivors(cases: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(text, what came out) of each case whose value, or a half of it, can still be read."""
    texts = [text for _, text in cases]
    found = []
    for (value, text), out in zip(cases, REDACTOR.redact_batch(texts), strict=True):
        half = len(value) // 2
        long = len(re.sub(r"[^0-9A-Za-z]", "", value)) > 8
        if value in out or (long and (value[: half + 2] in out or value[half - 2 :] in out)):
            found.append((text, out))
    return found


def within(values: list[str], boxes: list[str]) -> list[tuple[str, str]]:
    return [(v, box.replace("@V@", v)) for v in values for box in boxes]


@pytest.mark.parametrize("vendor", KEYS)
def test_a_vendors_key_goes_wherever_it_stands(vendor: str) -> None:
    assert survivors(within([example(KEYS[vendor])], BOXES)) == []


@pytest.mark.parametrize("country", PHONES)
def test_a_telephone_number_goes_in_the_notation_of_its_country(country: str) -> None:
    assert survivors(within(PHONES[country], SPOKEN)) == []


@pytest.mark.parametrize("country", IBANS)
def test_an_iban_of_every_country_goes_with_and_without_blanks(country: str) -> None:
    digits = "".join(str(int(c, 36)) for c in IBANS[country] + country + "00")
    iban = f"{country}{98 - int(digits) % 97:02d}{IBANS[country]}"
    spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    assert survivors(within([iban, spaced], ["IBAN: @V@", "transfer to @V@ today", '{"iban":"@V@"}', "account @V@."])) == []


@pytest.mark.parametrize("issuer", CARDS)
@pytest.mark.parametrize("separator", ["", " ", "-", ".", "\u00a0", "\u2009", " - ", "_", "/", "\t"])
def test_a_card_goes_with_any_separator(issuer: str, separator: str) -> None:
    prefix, length = CARDS[issuer]
    rng = random.Random(issuer)
    digits = prefix + "".join(rng.choice("0123456789") for _ in range(length - len(prefix) - 1))
    total = sum(sum(divmod(2 * int(c), 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(digits)))
    digits += str(-total % 10)
    groups = [digits[i : i + 4] for i in range(0, 16, 4)] if length == 16 else [digits[:4], digits[4:10], digits[10:]]
    boxes = ["my card @V@ please", '{"card_number":"@V@"}', "charge @V@ exp 12/27", "pan=@V@&x", "Card: @V@\nCVV 123"]
    assert survivors(within([separator.join(groups)], boxes)) == []


@pytest.mark.parametrize("login", LOGINS)
def test_the_password_of_a_connection_string_goes(login: str) -> None:
    full = example(login)
    before, after = re.split(r"\{[wb]\d+\}[!9]?", login)
    secret = full[len(before) : len(full) - len(after)].rstrip("!")
    boxes = ["DATABASE_URL=@T@\n", '{"dsn":"@T@"}', "connect with @T@ now", "engine('@T@')"]
    assert survivors([(secret, box.replace("@T@", full)) for box in boxes]) == []


@pytest.mark.parametrize("line_end", ["\\n", "\n", "\\\\n", "\r\n", " "])
@pytest.mark.parametrize("kind", ["RSA ", "EC ", "ENCRYPTED ", ""])
def test_a_private_key_goes_however_its_lines_end(line_end: str, kind: str) -> None:
    body = [example("{b64}"), example("{b63}x"), example("{b40}")]
    key = line_end.join([f"-----BEGIN {kind}PRIVATE KEY-----", *body, f"-----END {kind}PRIVATE KEY-----"])
    assert survivors([(part, box.replace("@V@", key)) for part in body for box in ('{"key":"@V@"}', "cat k.pem\n@V@\n", "K='@V@'")]) == []


@pytest.mark.parametrize(
    "header", [{"alg": "HS256", "typ": "JWT"}, {"typ": "JWT", "alg": "RS256", "kid": "a"}, {"alg": "none"}, {"kid": "x1", "alg": "ES256"}]
)
def test_a_signed_token_goes(header: dict[str, str]) -> None:
    head, claims = (base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=") for x in (header, {"sub": "1", "exp": 1}))
    assert survivors(within([f"{head}.{claims}.{example('{w43}')}"], BOXES)) == []


def test_mail_addresses_go() -> None:
    assert survivors(within(MAILS, MAIL_BOXES)) == []


def test_network_addresses_go() -> None:
    assert survivors(within(ADDRESSES, ["from @V@ to", "client=@V@\n", '{"ip":"@V@"}', "@V@"])) == []


def test_passwords_go_wherever_they_are_told() -> None:
    assert survivors(within(PASSWORDS, SAID)) == []


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_like_a_value_stays(text: str) -> None:
    for box in AROUND:
        assert REDACTOR.redact(box.replace("@V@", text)).entities == []
