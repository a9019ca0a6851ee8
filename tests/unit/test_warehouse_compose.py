"""The container files, as far as they can be checked without containers: they parse, and say what the code expects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from spanledger.policy import Policy
from spanledger.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    path = ROOT / "docker-compose.yml"
    if not path.exists():
        pytest.skip("the container files are not beside the tests (installed package)")
    return yaml.safe_load(path.read_text())


def test_both_profiles_hold_every_role(compose: dict[str, Any]) -> None:
    roles: dict[str, list[str]] = {"single": [], "cluster": []}
    for service in compose["services"].values():
        for profile in service["profiles"]:
            roles[profile].append(service.get("command", [service["image"].split("/")[-1].split(":")[0]])[0])
    assert sorted(roles["single"]) == ["clickhouse-server", "collector", "collector", "dashboard", "jobs"]
    assert sorted(roles["cluster"]) == ["clickhouse-keeper", *["clickhouse-server"] * 4, "collector", "collector", "dashboard", "jobs"]


def test_every_variable_is_a_setting_and_every_mounted_file_exists(compose: dict[str, Any]) -> None:
    known = {f"SPANLEDGER_{name.upper()}" for name in Settings.model_fields}
    for name, service in compose["services"].items():
        given = {key for key in service.get("environment", {}) if key.startswith("SPANLEDGER_")}
        assert given <= known, name
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"], mount


def test_collectors_have_data_of_their_own_and_keys_in_common(compose: dict[str, Any]) -> None:
    for profile in ("single", "cluster"):
        mine = [s for s in compose["services"].values() if profile in s["profiles"] and s.get("command") == ["collector"]]
        assert len({s["volumes"][0] for s in mine}) == len({s["hostname"] for s in mine}) == 2
        assert all("keys:/data/keys" in s["volumes"] for s in mine)


def test_the_cluster_of_the_files_is_the_one_that_the_schema_is_rendered_for(compose: dict[str, Any]) -> None:
    folder = ROOT / "docker" / "clickhouse"
    parsed = {file.name: ElementTree.parse(file).getroot() for file in folder.glob("*.xml")}
    layout = parsed["cluster.xml"]
    assert layout.findtext("macros/cluster") == "spanledger"
    hosts = [[r.findtext("host") for r in shard.findall("replica")] for shard in layout.findall("remote_servers/spanledger/shard")]
    assert [len(shard) for shard in hosts] == [2, 2]
    assert {h for shard in hosts for h in shard} <= set(compose["services"])
    for shard, replicas in enumerate(hosts, 1):
        for host in replicas:
            environment = compose["services"][host]["environment"]
            assert (environment["SHARD"], environment["REPLICA"]) == (str(shard), host)
    assert parsed["users.xml"].findtext("profiles/spanledger/distributed_foreground_insert") == "1"
    assert parsed["server.xml"].findtext("backups/allowed_disk") == "backups"


def test_the_example_policy_is_valid_and_lets_nobody_in() -> None:
    policy = Policy.model_validate(yaml.safe_load((ROOT / "docker" / "spanledger.yaml").read_text()))
    assert {t.sha256 for t in policy.tokens} == {"0" * 64}


def test_the_image_runs_the_console_script_without_root() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text()
    assert re.search(r"^USER (?!root)", text, re.M)
    assert 'ENTRYPOINT ["spanledger"]' in text
