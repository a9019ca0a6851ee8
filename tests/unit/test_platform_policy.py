import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.errors import ConfigError
from spanledger.policy import PolicyFile, load_policy, parse_policy, policy_schema
from spanledger.policy.base import duration, ratio

WHOLE = """
apps:
  checkout-bot: {team: payments, owner: ana@example.com, cost_centre: CC-42, tenant: acme, aliases: [checkout]}
identity: {app: [app.id, service.name]}
tiers:
  rules: [{tier: premium, match: {model: "gpt-5*"}}]
prices:
  overrides: [{provider: openai, model: gpt-4o, from: 2026-01-01, input_usd_per_mtok: 2.1}]
  contracts: [{provider: anthropic, discount: 5%}]
  self_hosted: [{model: "llama-*", gpu_hour_usd: 2.5, gpus: 4, input_tokens_per_s: 9000, output_tokens_per_s: 1200}]
aliases: {prod-chat: {model: gpt-4o, provider: azure}}
gateways: [{match: {service: litellm}, policy: prefer_client}]
budgets: [{name: payments, match: {team: payments}, limit_usd: 5000, receivers: [slack]}]
quotas: [{name: per-user, per: user, window: 1h, tokens: 100000}]
alerts:
  receivers: [{name: slack, kind: slack, url: https://hooks.example.com/x}]
  rules: [{name: grounded, metric: hallucination_score, above: 0.02, over: 30m, for: 5m, receivers: [slack]}]
content: {default: redacted, tenants: {acme: none}}
redaction: {rules: [{name: EMPLOYEE_ID, pattern: "EMP-[0-9]{6}", positives: [EMP-123456]}]}
retention: {contents: 14d, tenants: {acme: {contents: 1d}}}
tokens: [{name: ci, sha256: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", role: finance}]
projects: {web: {tokens: [{name: w, sha256: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}}
detectors: {schemas: [{app: checkout-bot, schema: {type: object}}], apps: {checkout-bot: {mode: rate, ratio: 10%}}}
"""


def test_every_key_of_the_documentation_is_understood():
    policy = parse_policy(WHOLE)
    assert policy.apps["checkout-bot"].cost_centre == "CC-42"
    assert policy.prices.overrides[0].input_usd_per_mtok == Decimal("2.1")
    assert policy.prices.contracts[0].discount == Decimal("0.05")
    assert policy.content.mode("acme") == "none"
    assert policy.content.mode("other") == "redacted"
    assert policy.alerts.rules[0].hold == timedelta(minutes=5)
    assert policy.retention.tenants["acme"].contents == timedelta(days=1)
    assert policy.retention.calls == timedelta(days=400)
    assert not policy.open_access


def test_an_empty_file_is_the_default_policy():
    assert parse_policy("") == load_policy(None)
    assert parse_policy("# nothing\n").open_access


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budgts: []", "p.yaml:1: budgts: unknown key; did you mean `budgets`?"),
        ("apps:\n  a: {team: x}\n  a: {team: y}", "p.yaml:3: key `a` stands twice"),
        ("apps:\n  a:\n    tema: x", "p.yaml:3: apps.a.tema: unknown key; did you mean `team`?"),
        ("budgets:\n  - name: b\n    limit_usd: -3", "p.yaml:3: budgets[0].limit_usd: Input should be greater than or equal to 0"),
        ("budgets:\n  - {name: b, limit_usd: 1}\n  - {name: b, limit_usd: 2}", "p.yaml:3: budgets[1].name: `b` is already taken"),
        (
            "alerts:\n  announced: [{match: {tenant: acme}, starts_at: 2026-12-01T08:00Z, ends_at: 2026-12-03T00:00Z}]",
            "p.yaml:2: alerts.announced[0]: cost is watched by app, team, model_tier: `tenant` cannot be told apart",
        ),
        (
            "alerts: {rules: [{name: a, kind: anomaly, match: {env: prod}}]}",
            "p.yaml:1: alerts.rules[0]: cost is watched by app, team, model_tier: `env` cannot be told apart",
        ),
        (
            "alerts:\n  rules:\n    - {name: a, metric: cost_usd, above: 1, detectors: [grounding]}",
            "p.yaml:3: alerts.rules[0]: `detectors` narrow `metric: hallucination_score`",
        ),
        (
            "alerts: {rules: [{name: a, metric: hallucination_score, above: 1, detectors: [groundnig]}]}",
            "p.yaml:1: alerts.rules[0].detectors[0]: Input should be 'grounding', 'contradiction', 'schema' or 'composite'",
        ),
        (
            "budgets: [{name: b, limit_usd: 1}]\nalerts: {rules: [{name: b, metric: cost_usd, above: 1}]}",
            "p.yaml:2: alerts.rules[0].name: `b` is a budget's name",
        ),
        ("budgets:\n  - {name: b, limit_usd: 1, receivers: [x]}", "p.yaml:2: budgets[0].receivers: there is no receiver `x`"),
        ("quotas:\n  - {name: q}", "p.yaml:2: quotas[0]: a quota needs `requests`, `tokens` or `cost_usd`"),
        ("quotas:\n  - {name: q, tokens: 1, window: 1h, period: day}", "p.yaml:2: quotas[0]: a quota has either `window`"),
        ("quotas:\n  - {name: q, tokens: 1, window: 2y}", "p.yaml:2: quotas[0]: `window` must lie between 1s and 366d"),
        ("quotas:\n  - {name: q, tokens: 0}", "p.yaml:2: quotas[0].tokens: Input should be greater than 0"),
        ("quotas:\n  - {name: q, usd: 5}", "p.yaml:2: quotas[0].usd: unknown key"),
        ("decisions:\n  when_unknown: maybe", "p.yaml:2: decisions.when_unknown: Input should be 'allow', 'warn', 'throttle' or 'deny'"),
        ("decisions:\n  stale_after: 5s", "p.yaml:1: decisions: `stale_after` must be at least 30s"),
        ("retention:\n  contents: 3 weeks", "p.yaml:2: retention.contents: expected a duration"),
        ("content:\n  tenants:\n    acme: nothing", "p.yaml:3: content.tenants.acme: Input should be 'redacted', 'none' or 'audit'"),
        ("apps:\n  a: {aliases: [x]}\n  b: {aliases: [x]}", "p.yaml:3: apps.b.aliases[0]: `x` already stands for app `a`"),
        ("a: [", "p.yaml:1: not valid YAML"),
        ("- 1", "p.yaml:1: expected a mapping"),
        ("alerts:\n  receivers:\n    - {name: r, kind: slack}", "p.yaml:3: alerts.receivers[0]: a slack receiver needs `url`"),
        ("detectors:\n  schemas:\n    - {file: no-such.json}", "p.yaml:3: detectors.schemas[0].file: cannot read"),
    ],
)
def test_a_problem_is_told_with_file_line_and_reason(text, told):
    with pytest.raises(ConfigError) as caught:
        parse_policy(text, "p.yaml")
    assert str(caught.value).startswith(told)
    assert caught.value.exit_code == 2


def test_a_secret_is_never_repeated_in_a_message():
    with pytest.raises(ConfigError) as caught:
        parse_policy("tokens: [{name: a, sha256: hunter2-hunter2}]")
    assert "hunter2" not in str(caught.value)


def test_secrets_come_from_the_environment_or_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK", "https://example.com/1")
    (tmp_path / "key").write_text("k1\n")
    text = f"alerts:\n  receivers:\n    - {{name: w, kind: webhook, url: {{env: HOOK}}, secret: {{file: {tmp_path / 'key'}}}}}"
    receiver = parse_policy(text).alerts.receivers[0]
    assert receiver.url is not None
    assert receiver.url.get_secret_value() == "https://example.com/1"
    assert receiver.secret is not None
    assert receiver.secret.get_secret_value() == "k1"
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE is not set"):
        parse_policy("alerts: {receivers: [{name: w, kind: webhook, url: {env: NO_SUCH_VARIABLE}}]}")


def test_a_reload_takes_only_a_valid_file(tmp_path):
    path = tmp_path / "spanledger.yaml"
    path.write_text("content: {default: none}")
    file = PolicyFile(path)
    assert not file.reload()
    path.write_text("content: {default: nothing at all}")
    assert not file.reload()
    assert "spanledger.yaml:1: content.default" in file.problem
    assert file.current.content.default == "none"
    path.write_text("content: {default: redacted}  # again")
    assert file.reload()
    assert (file.current.content.default, file.problem) == ("redacted", "")


def test_tokens_may_stand_in_a_file_of_their_own(tmp_path):
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("tokens: [{name: t, sha256: " + "b" * 64 + "}]")
    assert [t.name for t in load_policy(None, tokens).tokens] == ["t"]
    tokens.write_text("budgets: []")
    with pytest.raises(ConfigError, match="only `tokens` and `projects`"):
        load_policy(None, tokens)


def test_the_schema_names_the_keys_of_the_file():
    schema = policy_schema()
    assert {"apps", "budgets", "content", "prices"} <= set(schema["properties"])
    assert "for" in schema["$defs"]["Rule"]["properties"]


@given(st.integers(0, 10**6), st.sampled_from("smhdwy"))
def test_a_duration_is_its_number_of_units(n, unit):
    assert duration(f"{n}{unit}") == n * duration(f"1{unit}")


@given(st.decimals(0, 100, places=3))
def test_a_percentage_is_a_hundredth(value):
    assert ratio(f"{value}%") == value / 100


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text):
    with contextlib.suppress(ConfigError):
        parse_policy(text)
