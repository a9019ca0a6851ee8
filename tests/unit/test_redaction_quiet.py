"""What only looks like a secret or like somebody's data stays: code, configuration, logs, science, sports, music, prices, formats."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor

REDACTOR = Redactor()
QUIET = {
    "logins in code": r"""
auth=("user", "password")
auth = (username, password)
auth=(os.environ["USER"], os.environ["PASS"])
requests.get(url, auth=HTTPBasicAuth(user, pw))
HTTPBasicAuth(settings.user, settings.password)
auth=aiohttp.BasicAuth(login, password)
server.login(user, password)
smtp.login(config.user, config.secret)
client.login("bob", "changeme")
session.login(page, "username", "password")
DriverManager.getConnection(url, props)
DriverManager.getConnection(url, user, password)
new NetworkCredential(user, SecurePassword)
new UsernamePasswordCredentials(name, value)
def login(self, user: str, password: str) -> Session:
login_required(redirect_field_name="next")
await page.fill("#password", process.env.PASSWORD)
expect(login(user, pass)).rejects.toThrow("401")
cy.get("[data-test=password]").type(Cypress.env("pw"))
auth = (1, 2)
""",
    "command lines": """
http -a bob:$PASSWORD GET x
http --auth-type bearer --auth $TOKEN x
curl -u "$USER:$PASS" https://x
docker run -a stdout -p 5432:5432 postgres
keytool -list -keystore cacerts -storepass changeit
plink -pw %PASSWORD% bob@host
psexec -p prompt cmd
setx PATH "%PATH%;C:\\tools"
setx DB_PASSWORD %1
ssh -p 2222 host
scp -P 22 a b
ls -a /etc
tar -a -cf x.tar y
git commit -a -m v2
mkdir -p a/b/c9
nc -w 5 host 80
ping -w 1000 host
unzip -p archive.zip file7.txt
zip -r out9.zip src
openssl dgst -sha256 file1.bin
psql -h localhost -p 5432 -d app
pg_dump -d postgres:5432
kubectl get secret db -o jsonpath={.data.password}
vault read secret/data/app
ansible-vault edit group_vars/all.yml
""",
    "codes that open nothing": """
code: 482 items (expires never)
promo code 482913 expires Friday
error code: 500123 (valid range 1-999999)
exit code 137 (out of memory)
HTTP status code: 404 (expires header missing)
area code: 415 valid in California
zip code 94107 is valid
country code: 49 (valid)
the source code: 12000 lines, valid Python
product code 110 220, valid until sold out
gift code 482913, valid until May
code: 12 34 (expired)
status code 200 100 (valid)
color code #482913 is valid
exit codes: 126 127 128
the pin is bent
pin 13 is an output
pin's colour is red
ISO code 840
QR code version 40
""",
    "brackets around at signs": """
keys[@] and values[@]
echo "${array[@]}"
for f in "${files[@]}"; do echo $f; done
{@link Foo#bar}
{@code x = y}
x = a[@]
matrix (@) operator
see (@nested) names
local arr=("$@")
[@media] and [@import]
<@user> joined
a @ b
[at] the end
look (at) this
array[at] = 3
""",
    "settings without secrets": """
"password": {"value": "string"}
"token": {"type": "string", "value": "null"}
{"sort_key": {"value": "created_at"}}
password_min_length = 12
password: { type: string, minLength: 8 }
secret_name: app-db
tokenizer: cl100k_base
max_tokens=4096
token_count: 182736
api_key: ${API_KEY}
api_key: "{{ .Values.apiKey }}"
secretKeyRef: {name: app, key: password}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_USER_MODEL = "accounts.User"
ENV PASSWORD_FILE /run/secrets/db
ARG NODE_VERSION=20.11.1
ENV TOKENIZERS_PARALLELISM false
password = getpass.getpass()
password = input("Password: ")
passwd: files systemd
localhost:5432:db
0.0.0.0:5432->5432/tcp
ports: ["5432:5432", "6432:6432"]
host=localhost port=5432 dbname=app
token_endpoint: https://auth.example/token
session_timeout: 3600
cookie_consent: true
cookies: accepted
secret: ""
password: null
password: "********"
""",
    "versions and packages": """
numpy==2.3.1
chrome/126.0.6478.127
kernel 6.8.0.45
v1.2.3.4
openssl 3.0.13-0ubuntu3.4
left-pad@1.3.0
golang.org/x/net@v0.30.0
pkg:npm/%40angular/core@17.3.0
sha256:short
python:3.11-slim@latest
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36
1.0.0-rc.1+build.123
CVE-2021-44228
RFC 7519
ISO 27001:2022
PEP 8
IEEE 802.11ax
2.1.1...3.0.0 (2022-10-20)
""",
    "numbers of science, money and sport": """
299792458 m/s
6.02214076e23
3.141592653589793
1,234,567,890 USD
EUR 12.345.678,90
Q3 revenue 1 234 567
final score 112-108
6-4 3-6 7-6
lap 1:23.456
49.2827 N, 123.1207 W
40.712776, -74.005974
population 8,336,817
1 000 000 000
16:9 and 4:3
42.195 km
98.6 F
1.618033988749
0x7fffffff
1e-12
GTIN 4006381333931 is on the box
bars 120 to 184
ratio 3-2-1
""",
    "dates and times": """
2026-03-14T15:09:26.535Z
20260314150926
14/03/2026 15:09
1710428966
1710428966535
2026-W11-6
Mon, 14 Mar 2026 15:09:26 GMT
from 1999-2004 to 2010-2015
08:30-17:45
12:00 to 13:00
1984 1985 1986 1987
Q1 2026
March 14, 2026
2026/03/14 15:09:26
""",
    "hashes, identifiers and positions": """
commit 85a82c4
etag W/"5d8c72a5edda8d6a"
123e4567-e89b-12d3-a456-426614174000
trace_id=4bf92f3577b34da6a3ce929d0e0e4736
md5 d41d8cd98f00b204e9800998ecf8427e
ORDER-2026-000123
INV-48291
TICKET-9981
sku 8843-221-09
span_id 00f067aa0ba902b7
line 120, column 48
@@ -12,7 +12,9 @@
0000:00:1f.2
x-request-id: 7b1c
r2d2 and c3po
file.txt:120:48
row 12345678 of 99999999
""",
    "words about secrets": """
the password must have 8 characters
your token expires in 5 minutes
use a password manager
reset your password here
two-factor authentication is required
the secret ingredient is 2 spoons of salt
the key is under the mat
press any key to continue
basic authentication is deprecated
bearer of bad news
cookie recipe: 200 g flour
a token of appreciation
session 3 starts at 10
credentials are required
pin the message
salt to taste
seed 42
the pass rate was 93
the token limit is 128000
a signature dish for 25
access codes are sent by mail
as the password is too short
""",
}
LINES = [pytest.param(line, id=f"{kind}-{k}") for kind, text in QUIET.items() for k, line in enumerate(text.strip().splitlines())]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_only_looks_like_it_stays(line: str) -> None:
    assert REDACTOR.redact(line).text == line


def test_there_are_two_hundred_of_them_and_together_they_say_no_more() -> None:
    assert len(LINES) >= 200
    for text in QUIET.values():
        assert REDACTOR.redact(text).text == text


FORMS = """
requests.get(url, auth=('admin', '{}'))
HTTPBasicAuth('admin','{}')
new NetworkCredential("bob", "{}")
DriverManager.getConnection(url, "bob", "{}")
server.login(user, "{}")
http -a bob:{} GET x
https --auth bob:{} x.org
localhost:5432:*:postgres:{}
CREATE LOGIN bob WITH PASSWORD = N'{}'
plink -pw {} bob@x
keytool -list -storepass {}
"db_password": {{"value": "{}", "type": "string"}}
curl --user 'bob:{}' https://x
ldapsearch -x -D cn=admin,dc=x -w {} -b dc=x
jdbc:sqlserver://db:1433;user=sa;password={};
amqp://bob:{}@mq:5672/v
ConvertTo-SecureString '{}' -AsPlainText -Force
""".strip().splitlines()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", ["Kj82mQpx77Lw", "tr0ub4dor-x9"])
def test_a_password_goes_in_whatever_command_or_call_it_stands(form: str, value: str) -> None:
    out = REDACTOR.redact(form.format(value)).text
    assert value[:6] not in out
    assert REDACTOR.redact(out).text == out


@pytest.mark.parametrize(
    "said",
    ["code: 482 913 (expires in 10 minutes)", "Your code: 482-913. It expires soon", "my pin's 482913", "mail ana[@]example.org 482 is no 913"],
)
def test_codes_that_end_and_addresses_in_brackets_go(said: str) -> None:
    out = REDACTOR.redact(said).text
    assert ("ana" not in out) if "@" in said else ("482" not in out)
