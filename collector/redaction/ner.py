"""Names and addresses by a token-classification model of the user's own: the model, and the process of low priority that runs it.

``TokenModel`` reads a local directory in the format of Hugging Face ``transformers`` (nothing is fetched) and finds character ranges.
``python -m collector.redaction.ner FD`` is the process: it is told a :class:`Tier`, answers when the model is ready, then answers one list of
texts after another. torch is imported here only, in that process only.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

Found = list[tuple[int, int, str]]  # first and last+1 character, class

_BATCH = 16  # windows judged at once
_PREFIX = re.compile(r"^(?:[BIELSU]-|[BIELSU]_)")
_BETWEEN = re.compile(r"[\s,.'’\-/]{1,3}")
_NICE = 15


@dataclass(frozen=True, slots=True)
class Tier:
    """Which model, what its labels mean to us, and how sure it must be."""

    model: str
    labels: dict[str, str] = field(default_factory=lambda: {"PER": "PERSON", "PERSON": "PERSON"})
    threshold: float = 0.8
    threads: int = 1


class TokenModel:
    """A loaded model.

    Raises:
        ValueError: the directory holds no such model, or none of its labels is wanted.
    """

    def __init__(self, tier: Tier) -> None:
        if not os.path.isfile(os.path.join(tier.model, "config.json")):
            raise ValueError("no directory with a config.json")
        import torch
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        torch.set_num_threads(tier.threads)
        self._torch, self._threshold = torch, tier.threshold
        self._tokenizer: Any = AutoTokenizer.from_pretrained(tier.model, local_files_only=True, use_fast=True)
        if not self._tokenizer.is_fast:
            raise ValueError("its tokenizer cannot say where a token stands (a fast tokenizer is needed)")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = AutoModelForTokenClassification.from_pretrained(tier.model, local_files_only=True).eval().to(self._device)
        self._classes = sorted(set(tier.labels.values()))
        self._sums = self._weights(tier)
        positions = getattr(self._model.config, "max_position_embeddings", 514) or 514
        self._window = max(8, min(self._tokenizer.model_max_length, positions - 2, 510))

    def _weights(self, tier: Tier) -> Any:
        """Label × class: which labels' probabilities make up the probability of a class."""
        own = {int(i): str(label) for i, label in self._model.config.id2label.items()}
        sums = self._torch.zeros(len(own), len(self._classes))
        for i, label in own.items():
            meant = tier.labels.get(label) or tier.labels.get(_PREFIX.sub("", label))
            if meant:
                sums[i, self._classes.index(meant)] = 1.0
        if not bool(sums.any()):
            raise ValueError(f"its labels are {', '.join(sorted(set(own.values())))}: redaction.ner.labels names none of them")
        return sums.to(self._device)

    def find(self, texts: Sequence[str]) -> list[Found]:
        """What to replace in each text: whole words, in order, without overlap."""
        marks: list[Found] = [[] for _ in texts]
        told = [i for i, text in enumerate(texts) if text.strip()]
        if told:
            for i, start, end, name in self._tokens([texts[i] for i in told]):
                marks[told[i]].append((start, end, name))
        return [_words(text, found) for text, found in zip(texts, marks, strict=True)]

    def _tokens(self, texts: Sequence[str]) -> Iterator[tuple[int, int, int, str]]:
        """Tokens that are part of a name: text, first and last+1 character, class. Long texts are read in overlapping windows."""
        read = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._window,
            stride=min(64, self._window // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owners, offsets = read["overflow_to_sample_mapping"], read["offset_mapping"]
        inputs = [name for name in self._tokenizer.model_input_names if name in read]
        order = sorted(range(len(owners)), key=lambda k: len(read["input_ids"][k]))  # windows of like length together: little padding
        for at in range(0, len(order), _BATCH):
            some = order[at : at + _BATCH]
            padded = self._tokenizer.pad({name: [read[name][k] for k in some] for name in inputs}, return_tensors="pt").to(self._device)
            with self._torch.inference_mode():
                sure = (self._model(**padded).logits.float().softmax(-1) @ self._sums).cpu()
            best, which = sure.max(-1)
            for row, k in enumerate(some):
                for token in (best[row] >= self._threshold).nonzero().flatten().tolist():
                    if token < len(offsets[k]) and offsets[k][token][1] > offsets[k][token][0]:
                        yield owners[k], *offsets[k][token], self._classes[int(which[row, token])]


def _words(text: str, marks: Found) -> Found:
    """Marked pieces of words as whole words, neighbours of one class as one."""
    out: Found = []
    for start, end, name in sorted(marks):
        if out and end <= out[-1][1]:
            continue  # a further piece of a word that is taken whole already
        while start > 0 and text[start - 1].isalnum():
            start -= 1
        while start < end and text[start].isspace():
            start += 1
        while end < len(text) and text[end].isalnum():
            end += 1
        if start >= end:
            continue
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]), out[-1][2])
        elif out and out[-1][2] == name and _BETWEEN.fullmatch(text, out[-1][1], start):
            out[-1] = (out[-1][0], end, name)
        else:
            out.append((start, end, name))
    return out


def serve(pipe: Connection) -> None:
    """Load what the first message names, say ``None`` or why not, then answer texts until the pipe ends."""
    tier: Tier = pipe.recv()
    try:
        model = TokenModel(tier)
        model.find(["ready"])
    except Exception as exc:
        pipe.send(f"{type(exc).__name__}: {(str(exc) or '?').splitlines()[0][:300]}")
        return
    pipe.send(None)
    while True:
        try:
            texts = pipe.recv()
        except EOFError:
            return
        pipe.send(model.find(texts))


def main() -> None:
    """The process: politely, offline, without a word of any text on its way out."""
    os.nice(_NICE)
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "critical", "TOKENIZERS_PARALLELISM": "false"}
    sys.excepthook = lambda kind, *_: print(f"names: {kind.__name__}", file=sys.stderr)  # noqa: T201 - a traceback could quote a text
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
