"""What is logged of an exception: its type and where it came from, never its message, which may quote what somebody sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from spanledger import logs
from spanledger.settings import Settings

SENT = "ann@example.com"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def _fail() -> None:
    try:
        int(SENT)
    except ValueError as exc:
        raise RuntimeError(f"no number: {SENT}") from exc


@pytest.mark.parametrize("library", ["structlog", "logging"])
@pytest.mark.parametrize("written", ["json", "console"])
def test_an_exception_is_told_by_type_and_place_without_its_message(
    written: Literal["json", "console"], library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(log_format=written), "collector")
    log = structlog.get_logger("x") if library == "structlog" else logging.getLogger("uvicorn.error")
    try:
        _fail()
    except RuntimeError:
        log.exception("decoder_bug")
    said = capsys.readouterr().err
    assert SENT not in said
    assert "decoder_bug" in said
    assert "RuntimeError" in said
    assert "ValueError" in said
    assert f"{__file__.rpartition('/')[2]}:" in said
    if written == "json":
        assert len(said.splitlines()) == 1
        assert json.loads(said)["exception"].startswith("RuntimeError")
