"""The name tier end to end: sealed quarantine, a tiny model trained here, its own process, rows of ``contents`` out."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

pytest.importorskip("transformers", reason="the name tier needs the full install")
import torch
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import SecretStr
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from collector.redaction import ner_worker
from collector.redaction.ner import Found, Tier, TokenModel, _words
from collector.redaction.ner_process import NamesProcess
from collector.redaction.ner_worker import NamesWorker, replaced
from collector.redaction.quarantine import Quarantine
from spanledger.errors import ConfigError
from warehouse.vault.keyring import Keyring

PEOPLE = ("Ana", "Berg", "Chidi", "Okafor", "Marta", "Nowak", "Kenji", "Tanaka", "Zoë", "Duarte")
PLACES = ("Rosenhof", "Lindenallee", "Casablanca", "Porto")
WORDS = ("the", "refund", "for", "was", "sent", "to", "from", "lives", "in", "and", "user", "please", "order", "is", "late", "card", "near", "by")
Rows = Callable[..., pa.RecordBatch]
LABELS = {"PER": "PERSON", "LOC": "ADDRESS"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few thousand parameters that have learned which words of a small vocabulary are names."""
    folder = tmp_path_factory.mktemp("model")
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *PEOPLE, *PLACES, *WORDS, *".,:;[]"])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.normalizer = normalizers.NFC()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=64
    )
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=64,
        id2label=dict(enumerate(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))), label2id={},
    )  # fmt: skip
    net = BertForTokenClassification(config).train()
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    rng = random.Random(7)
    label: dict[str, int] = {**dict.fromkeys(PEOPLE, 1), **dict.fromkeys(PLACES, 3)}
    for _ in range(120):
        lines = [[rng.choice((*PEOPLE, *PLACES, *WORDS, "[UNK]", ".", ":")) for _ in range(24)] for _ in range(16)]
        ids = torch.tensor([[vocabulary[w] for w in line] for line in lines])
        loss = net(input_ids=ids, labels=torch.tensor([[label.get(w, 0) for w in line] for line in lines])).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def nobody(_traces: object) -> set[bytes]:
    return set()


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def process(model: Path) -> Iterator[NamesProcess]:
    """One process for all tests: it takes seconds to load torch."""
    one = NamesProcess(Tier(str(model), LABELS))
    one.start()
    yield one
    one.close()


@pytest.fixture
def run(quarantine: Quarantine, process: NamesProcess) -> Iterator[Any]:
    """Start a worker; gives what it has inserted. Ends with the test."""
    inserted: list[pa.RecordBatch] = []
    made: list[NamesWorker] = []

    def begin(insert: Callable[[pa.RecordBatch], None] = inserted.append, erased: Callable[..., set[bytes]] = nobody) -> NamesWorker:
        made.append(NamesWorker(quarantine, process, insert, erased))
        made[-1].start()
        return made[-1]

    begin.inserted = inserted  # type: ignore[attr-defined]
    yield begin
    for worker in made:
        worker.stop(30)


def test_names_and_addresses_are_replaced_in_every_text_before_rows_go_on(rows: Rows, quarantine: Quarantine, run: Any) -> None:
    told = rows(
        "user: please refund Ana Berg",
        response="Kenji Tanaka lives near Lindenallee.",
        context=["order by Marta", "[EMAIL]"],
        extra=[("system", "Zoë is late")],
    )
    assert quarantine.add(told)
    run()
    until(lambda: not quarantine.waiting())
    (done,) = run.inserted
    row = done.to_pylist()[0]
    assert row["prompt"] == "user: please refund [PERSON]"
    assert row["response"] == "[PERSON] lives near [ADDRESS]."
    assert row["context"] == ["order by [PERSON]", "[EMAIL]"]
    assert dict(row["extra"]) == {"system": "[PERSON] is late"}
    assert done.drop_columns(["prompt", "response", "context", "extra"]).equals(told.drop_columns(["prompt", "response", "context", "extra"]))


def test_what_waits_outlives_the_process_and_the_models_process(
    rows: Rows, quarantine: Quarantine, run: Any, process: NamesProcess, tmp_path: Path, ring: Keyring
) -> None:
    for n in range(6):
        assert quarantine.add(rows(f"user: {PEOPLE[n]} is late"))
    again = Quarantine(tmp_path / "quarantine", ring)  # a new process finds what the old one left
    assert len(again.waiting()) == 6
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    run()
    until(lambda: not quarantine.waiting())
    assert sorted(r["prompt"] for b in run.inserted for r in b.to_pylist()) == ["user: [PERSON] is late"] * 6


def test_text_that_waited_for_an_absent_model_is_read_and_not_withheld(
    rows: Rows, quarantine: Quarantine, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counted(NamesProcess):
        starts = 0

        def start(self) -> None:
            self.starts += 1
            super().start()

    monkeypatch.setattr(ner_worker, "_AWAY_S", 0.05)
    folder, away = tmp_path / "model", tmp_path / "away"
    shutil.copytree(model, folder)
    one = Counted(Tier(str(folder), LABELS))
    inserted: list[pa.RecordBatch] = []
    worker = NamesWorker(quarantine, one, inserted.append, nobody)
    one.start()
    assert one.pid
    folder.rename(away)
    os.kill(one.pid, signal.SIGKILL)
    assert quarantine.add(rows("user: Ana is late"))
    worker.start()
    try:
        until(lambda: one.starts > 6)
        away.rename(folder)
        until(lambda: not quarantine.waiting())
    finally:
        worker.close(30)
    assert [r["prompt"] for b in inserted for r in b.to_pylist()] == ["user: [PERSON] is late"]


def test_rows_are_tried_again_until_the_warehouse_takes_them(rows: Rows, quarantine: Quarantine, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quarantine.add(rows("user: Ana"))
    calls: list[pa.RecordBatch] = []

    def insert(batch: pa.RecordBatch) -> None:
        calls.append(batch)
        if len(calls) < 2:
            raise OSError("away")

    run(insert)
    until(lambda: calls)
    assert quarantine.waiting()
    until(lambda: not quarantine.waiting())
    assert calls[0].equals(calls[1])


def test_what_was_erased_meanwhile_is_not_inserted(rows: Rows, quarantine: Quarantine, run: Any) -> None:
    assert quarantine.add(rows("user: Ana", "user: Berg is late"))
    run(erased=lambda traces: {traces[0]})
    until(lambda: not quarantine.waiting())
    assert [r["trace_id"] for b in run.inserted for r in b.to_pylist()] == [b"\1" * 16]


def test_what_is_erased_while_the_model_reads_is_not_inserted(rows: Rows, quarantine: Quarantine, process: NamesProcess) -> None:
    erased: set[bytes] = set()
    inserted: list[pa.RecordBatch] = []

    class Reading(NamesProcess):
        pid = process.pid

        def find(self, texts: Sequence[str]) -> list[Found]:
            erased.add(b"\0" * 16)
            return process.find(texts)

    assert quarantine.add(rows("user: Ana", "user: Berg is late"))
    worker = NamesWorker(quarantine, Reading(Tier("")), inserted.append, erased.intersection)
    worker.start()
    try:
        until(lambda: not quarantine.waiting())
    finally:
        worker.stop(30)
    assert [r["trace_id"] for b in inserted for r in b.to_pylist()] == [b"\1" * 16]


@pytest.mark.parametrize("broken", ["bit", "cut", "moved"])
def test_a_changed_file_is_never_inserted(rows: Rows, quarantine: Quarantine, run: Any, tmp_path: Path, broken: str) -> None:
    assert quarantine.add(rows("user: Ana"))
    (path,) = (tmp_path / "quarantine").glob("*.sealed")
    data = bytearray(path.read_bytes())
    data[-20] ^= 1 if broken == "bit" else 0
    path.write_bytes(data[:-1] if broken == "cut" else data)
    if broken == "moved":
        path.rename(path.with_name("00000000000000000001-aaaaaaaa.sealed"))
    run()
    until(lambda: not quarantine.waiting())
    assert run.inserted == []


@pytest.mark.parametrize("what", ["empty", "broken", "labels"])
def test_a_model_that_cannot_be_used_stops_the_start_with_one_line(quarantine: Quarantine, model: Path, tmp_path: Path, what: str) -> None:
    folder, labels = tmp_path / "none", LABELS
    folder.mkdir()
    if what == "broken":
        (folder / "config.json").write_text("{")
    if what == "labels":
        folder, labels = model, {"ORG": "COMPANY"}
    worker = NamesWorker(quarantine, NamesProcess(Tier(str(folder), labels)), lambda _rows: None, nobody)
    with pytest.raises(ConfigError, match=r"redaction\.ner: the model in .* cannot be used") as told:
        worker.start()
    assert "\n" not in str(told.value)


def test_long_texts_are_read_in_windows_and_the_longest_are_withheld(
    rows: Rows, quarantine: Quarantine, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ner_worker, "LONGEST", 4_000)
    long = "the order is late . " * 60
    assert quarantine.add(rows(long + "Chidi Okafor", long * 4))
    run()
    until(lambda: not quarantine.waiting())
    assert [r["prompt"] for b in run.inserted for r in b.to_pylist()] == [long + "[PERSON]", "[DROPPED:names_too_large]"]


def test_placeholders_stay_whole_and_a_second_time_changes_nothing(model: Path) -> None:
    reader = TokenModel(Tier(str(model), LABELS))
    texts = ["[PERSON] and Ana", "Ana,Berg [EMAIL:0011223344] Marta", "Zoë\u00a0Duarte", "nobody here", "", "   "]
    once = [replaced(t, f) for t, f in zip(texts, reader.find(texts), strict=True)]
    assert once == ["[PERSON] and [PERSON]", "[PERSON] [EMAIL:0011223344] [PERSON]", "[PERSON]", "nobody here", "", "   "]
    assert [replaced(t, f) for t, f in zip(once, reader.find(once), strict=True)] == once
    assert replaced("see [EMAIL:0011223344] now", [(0, 26, "PERSON")]).count("[EMAIL:0011223344]") == 1


def test_pieces_of_one_endless_word_are_one_find_and_cost_no_more() -> None:
    text = "Ana " + "x" * 200_000 + " Berg"
    pieces = [(0, 3, "PERSON"), *((at, at + 4, "ADDRESS") for at in range(4, 200_000, 4)), (len(text) - 4, len(text), "PERSON")]
    began = time.thread_time()
    assert _words(text, pieces) == [(0, 3, "PERSON"), (4, 200_004, "ADDRESS"), (200_005, 200_009, "PERSON")]
    assert time.thread_time() - began < 5


def chat(names: str) -> bytes:
    """An export of one span with names in prompt and answer."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat m")
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"please refund {names}"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": f"the order of {names} is late"}]}]),
    }
    for key, value in told.items():
        span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


@pytest.mark.parametrize("warehouse_url", ["embedded"], indirect=True)
def test_a_collector_with_the_tier_stores_no_name_and_says_so_when_it_cannot(start_collector: Callable[..., Any], model: Path) -> None:
    policy = f"redaction: {{ner: {{model: '{model}', labels: {{PER: PERSON, LOC: ADDRESS}}}}}}\n"
    kek = SecretStr(base64.b64encode(b"k" * 32).decode())
    one = start_collector(policy, kek=kek)
    reply = httpx.post(one.url("/v1/traces"), content=chat("Chidi Okafor"), headers={"content-type": "application/x-protobuf"})
    assert reply.status_code == 200
    assert one.settled("SELECT any(prompt) FROM spanledger.contents", "user: please refund [PERSON]", 60) == "user: please refund [PERSON]"
    assert one.query("SELECT response FROM spanledger.contents") == [("the order of [PERSON] is late",)]
    assert not any(b"Okafor" in p.read_bytes() for p in one.data.rglob("*") if p.is_file())
    one.stop()
    with pytest.raises(ConfigError, match=r"redaction\.ner: texts wait encrypted"):
        start_collector(policy, data=one.data)
    with pytest.raises(ConfigError, match=r"redaction\.ner: the model in .* cannot be used"):
        start_collector("redaction: {ner: {model: /nowhere}}\n", data=one.data, kek=kek)
