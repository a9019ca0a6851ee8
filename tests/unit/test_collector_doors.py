"""Decompression, ingest credentials, the spool: what stands before and beside the journal."""

from __future__ import annotations

import base64
import gzip
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.compression import inflate
from collector.credentials import IngestAuth, is_loopback, require_tokens_off_loopback
from collector.lone import spooled_batch
from collector.rows import facts_of, spans_of, version_of
from collector.spool import Spool
from spanledger.errors import AccessDenied, BadSpan, ConfigError, TooLarge, WarehouseBusy
from spanledger.model import Span
from spanledger.policy import Policy


@given(st.binary(max_size=2000))
def test_a_gzip_body_comes_out_as_it_went_in(body: bytes) -> None:
    assert inflate(gzip.compress(body), "gzip", 2000) == body
    assert inflate(gzip.compress(body) + gzip.compress(body), "gzip", 4000) == body * 2


def test_a_body_that_grows_over_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge):
        inflate(gzip.compress(b"\0" * 1_000_000), "gzip", 999_999)
    assert len(inflate(gzip.compress(b"\0" * 1_000_000), "gzip", 1_000_000)) == 1_000_000
    with pytest.raises(TooLarge):
        inflate(b"\0" * 11, "", 10)


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"x" * 100, mtime=0)[:-9]])
def test_a_broken_gzip_body_is_the_senders_mistake(body: bytes) -> None:
    with pytest.raises(BadSpan):
        inflate(body, "gzip", 1000)


def _policy() -> Policy:
    return Policy.model_validate({"projects": {"shop": {"tenant": "acme", "tokens": [{"name": "ci", "sha256": sha256(b"secret").hexdigest()}]}}})


@pytest.mark.parametrize(
    "header",
    ["Bearer secret", "bearer  secret", "Basic " + base64.b64encode(b"pk-lf-1:secret").decode()],
)
def test_a_token_gives_its_project(header: str) -> None:
    sender = IngestAuth(_policy()).sender(header)
    assert (sender.project, sender.tenant) == ("shop", "acme")


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic !!!", "Digest secret", "Basic " + base64.b64encode(b"secret:").decode()])
def test_anything_else_is_refused_once_a_token_exists(header: str) -> None:
    with pytest.raises(AccessDenied):
        IngestAuth(_policy()).sender(header)


def test_without_tokens_everybody_on_loopback_may_send_and_nobody_outside() -> None:
    auth = IngestAuth(Policy())
    assert auth.sender("Basic whatever").project == "default"
    require_tokens_off_loopback("127.0.0.1", auth)
    with pytest.raises(ConfigError):
        require_tokens_off_loopback("0.0.0.0", auth)
    require_tokens_off_loopback("0.0.0.0", IngestAuth(_policy()))


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.1", False), ("db", False)]
)
def test_loopback_is_known_when_seen(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def _batch(n: int):
    span = Span(project="p", service="s", trace_id=bytes([n]) * 16, span_id=b"i" * 8, start_ns=n, end_ns=n + 1)
    return spooled_batch([span], [facts_of(span)], [version_of(span, facts_of(span))])


def test_the_spool_gives_batches_back_in_order_also_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    for n in (2, 3, 5):
        spool.add(n, [_batch(n)])
    (tmp_path / "00000000000000000007.part").write_bytes(b"torn")
    again = Spool(tmp_path, 1 << 20)
    assert again.numbers() == [2, 3, 5]
    assert [spans_of(again.read(n)[0])[0][1].start_ns for n in again.numbers()] == [2, 3, 5]
    for n in again.numbers():
        again.remove(n)
    assert again.empty
    assert again.bytes == 0
    assert list(tmp_path.iterdir()) == []


def test_a_full_spool_tells_exporters_to_wait(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    with pytest.raises(WarehouseBusy):
        spool.add(1, [_batch(1)])
    assert spool.empty
    assert list(tmp_path.iterdir()) == []
