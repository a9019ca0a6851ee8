"""Secrets in the styles that people and programs write them in: nothing of a value survives.

Written without the shared data: vendor keys in code, logs and configuration, connection strings, private keys on one line, passwords told.
"""

# ruff: noqa: E501 - data

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest

from collector.redaction.rules import example

Survivors = Callable[[list[str], list[str]], list[tuple[str, str]]]

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
PASSWORDS = ["Winter2024!", "hunter2", "correct-horse-7", "P@ssw0rd123", "s3cr3tVALUE", "aB3$kLm9"]
SAID = ["password: @V@", "password=@V@\n", '"password": "@V@"', "passwd='@V@'", "PGPASSWORD=@V@ psql", "DB_PASSWORD: @V@\n", "my password is @V@ ok", "--password @V@",
        "user=a;pwd=@V@;", "Password for admin is @V@", "das Passwort ist @V@", "mysql -u root -p@V@ db", "<password>@V@</password>", "password -> @V@", "contraseña: @V@",
        "密码：@V@", "пароль: @V@", "pass: @V@"]  # fmt: skip


@pytest.mark.parametrize("vendor", KEYS)
def test_a_vendors_key_goes_wherever_it_stands(vendor: str, survivors: Survivors) -> None:
    assert survivors([example(KEYS[vendor])], BOXES) == []


@pytest.mark.parametrize("login", LOGINS)
def test_the_password_of_a_connection_string_goes(login: str, survivors: Survivors) -> None:
    full = example(login)
    before, after = re.split(r"\{[wb]\d+\}[!9]?", login)
    secret = full[len(before) : len(full) - len(after)].rstrip("!")
    boxes = ["DATABASE_URL=@T@\n", '{"dsn":"@T@"}', "connect with @T@ now", "engine('@T@')"]
    assert survivors([secret], [box.replace("@T@", full) for box in boxes]) == []


@pytest.mark.parametrize("line_end", ["\\n", "\n", "\\\\n", "\r\n", " "])
@pytest.mark.parametrize("kind", ["RSA ", "EC ", "ENCRYPTED ", ""])
def test_a_private_key_goes_however_its_lines_end(line_end: str, kind: str, survivors: Survivors) -> None:
    body = [example("{b64}"), example("{b63}x"), example("{b40}")]
    key = line_end.join([f"-----BEGIN {kind}PRIVATE KEY-----", *body, f"-----END {kind}PRIVATE KEY-----"])
    assert survivors(body, [f'{{"key":"{key}"}}', f"cat k.pem\n{key}\n", f"K='{key}'"]) == []


@pytest.mark.parametrize(
    "header", [{"alg": "HS256", "typ": "JWT"}, {"typ": "JWT", "alg": "RS256", "kid": "a"}, {"alg": "none"}, {"kid": "x1", "alg": "ES256"}]
)
def test_a_signed_token_goes(header: dict[str, str], survivors: Survivors) -> None:
    head, claims = (base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=") for x in (header, {"sub": "1", "exp": 1}))
    assert survivors([f"{head}.{claims}.{example('{w43}')}"], BOXES) == []


def test_passwords_go_wherever_they_are_told(survivors: Survivors) -> None:
    assert survivors(PASSWORDS, SAID) == []
