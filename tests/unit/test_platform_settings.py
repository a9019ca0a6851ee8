import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger.commands.output import plain, shown_value
from spanledger.commands.windows import moment, window
from spanledger.errors import ConfigError
from spanledger.settings import Settings, load_settings
from spanledger.supervisor import LONGEST_PAUSE_S, STEADY_S, pause_before_restart

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_every_setting_is_documented_with_its_default_and_no_other():
    told = set(re.findall(r"^\| `SPANLEDGER_([A-Z0-9_]+)`", (DOCS / "settings.md").read_text(), re.M))
    assert told == {name.upper() for name in Settings.model_fields}


def test_the_command_line_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SPANLEDGER_DATA_DIR", "/elsewhere")
    assert load_settings(data_dir=None).data_dir == Path("/elsewhere")
    assert load_settings(data_dir=tmp_path).data_dir == tmp_path


def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("SPANLEDGER_WEB_PORT", "eighty")
    with pytest.raises(ConfigError, match=r"^SPANLEDGER_WEB_PORT: "):
        load_settings()


def test_a_policy_file_in_the_data_directory_is_found(tmp_path):
    assert load_settings(data_dir=tmp_path).policy_path is None
    (tmp_path / "spanledger.yaml").write_text("")
    assert load_settings(data_dir=tmp_path).policy_path == tmp_path / "spanledger.yaml"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
        ("today", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_type_them(text, at):
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "d", "yesterday", "7 days", "99999999999d"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError):
        moment(text, NOW)


def test_a_window_the_wrong_way_round_is_refused():
    with pytest.raises(ConfigError, match="must be after"):
        window("1d", "2d", NOW)


def test_values_keep_every_digit_in_json():
    assert plain(Decimal("0.000000001")) == "0.000000001"
    assert plain(2**63) == str(2**63)
    assert plain(b"\x01\xff") == "01FF"
    assert shown_value(Decimal("1234.500000000")) == "1,234.500000000"


def test_pauses_grow_to_a_ceiling_and_start_anew_after_a_steady_run():
    pauses = [pause_before_restart(n, 1) for n in range(1, 12)]
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert pause_before_restart(9, STEADY_S) == 0.5
