"""Tables whose heading names a secret: the cells of that column go, whatever the table is written in; others stay."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor

SECRETS = ("Kj82#mQpx77", "Zz99ppQQ1", "s3cr3t!!")
TABLES = {
    "csv": "user,password,role\nana,@0,admin\nbob,@1,user\ncid,@2,user\n",
    "csv, last column, no end of line": "user,password\nana,@0\nbob,@1\ncid,@2",
    "csv with quotes and commas inside": '"name","Initial password"\n"Berg, Ana","@0"\n"bob","@1"\n"cid","@2"\n',
    "semicolons, windows": "user;secret;role\r\nana;@0;x\r\nbob;@1;y\r\ncid;@2;z\r\n",
    "tabs": "id\tuser\ttoken\n1\tana\t@0\n2\tbob\t@1\n3\tcid\t@2\n",
    "markdown": "Here they are:\n\n| user | **Password** |\n|:-----|-----:|\n| ana | `@0` |\n| bob | @1 |\n| cid | @2 |\n\nDone.",
    "markdown without outer bars": "Host | Passwort\n--- | ---\nweb1 | @0\nweb2 | @1\nweb3 | @2\n",
    "psql": " login | api_key     \n-------+-------------\n ana   | @0\n bob   | @1\n cid   | @2\n(3 rows)\n",
    "csv in json": '{"rows": 3, "csv": "user,pwd\\nana,@0\\nbob,@1\\ncid,@2", "ok": true}',
    "quoted csv in json": '"\\"user\\",\\"pwd\\"\\n\\"ana\\",\\"@0\\"\\n\\"bob\\",\\"@1\\"\\n\\"cid\\",\\"@2\\"\\n"',
    "two columns of secrets": "user,password,api key\nana,@0,@1\nbob,@2,\n",
}
NO_TABLES = [
    "| Parameter | Type |\n|---|---|\n| password | string |\n| username | string |\n| key_id2 | abc12345 |",
    "name, password, and token\nare asked for, twice, in 2026b",
    "token | tag\n--- | ---\nThe | DT\n2019 | CD\nU.S. | NNP\nCovid19 | NNP\n",
    "max_tokens,next_token_count\n4096,abcd1234efgh\n",
    "def login(user, password,\n      realm, attempt2x):\n    pass\n",
    "user,password\n\nana,Kj82mQpx77\n",
    "| method | password |\n|---|---|\n| a | required |\n| b | none |\n| c | see below |\n",
    "password\nKj82mQpx77 is no table\n",
]


@pytest.fixture(scope="module", params=["hyperscan", "re2"])
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return Redactor(engine=request.param)


@pytest.mark.parametrize("written", TABLES)
def test_the_cells_under_a_heading_that_names_a_secret_go(redactor: Redactor, written: str) -> None:
    table = TABLES[written]
    for k, secret in enumerate(SECRETS):
        table = table.replace(f"@{k}", secret)
    redacted = redactor.redact(table).text
    wanted = TABLES[written]
    for k in range(len(SECRETS)):
        wanted = wanted.replace(f"@{k}", "[SECRET_ASSIGN]")
    assert redacted == wanted
    assert redactor.redact(redacted).text == redacted


@pytest.mark.parametrize("text", NO_TABLES)
def test_what_is_no_table_of_secrets_stays(redactor: Redactor, text: str) -> None:
    assert redactor.redact(text).text == text


def test_a_long_table_goes_to_its_end() -> None:
    rows = [f"user{i},Pw{i:04d}xQz!" for i in range(2_000)]
    redacted = Redactor().redact("login,password\n" + "\n".join(rows))
    assert redacted.dropped is None
    assert redacted.text.count("[SECRET_ASSIGN]") == 2_000
    assert "xQz" not in redacted.text
