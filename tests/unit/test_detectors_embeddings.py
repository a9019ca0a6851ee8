"""Embeddings are optional, cached by content, batched, and loaded only when something needs them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from detectors.embeddings import Embedder, open_embedder
from spanledger.errors import ConfigError


class Counting:
    """A model in the manner of sentence-transformers that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, texts: Sequence[str], **_: Any) -> np.ndarray:
        self.asked.append(list(texts))
        return np.array([[len(t), 1.0] for t in texts], np.float32)


def test_each_text_goes_through_the_model_once_and_in_one_batch() -> None:
    model = Counting()
    embedder = Embedder(lambda: model)
    first = embedder.encode(["a", "bb", "a"])
    again = embedder.encode(["bb", "ccc"])
    assert model.asked == [["a", "bb"], ["ccc"]]
    assert first[:, 0].tolist() == [1, 2, 1]
    assert again[:, 0].tolist() == [2, 3]


def test_the_cache_is_bounded() -> None:
    model = Counting()
    embedder = Embedder(lambda: model, keep=2)
    for text in ("a", "b", "c", "a"):
        embedder.encode([text])
    assert [t for (t,) in model.asked] == ["a", "b", "c", "a"]


def test_nothing_is_loaded_before_it_is_needed() -> None:
    def load() -> Any:
        raise AssertionError("loaded")

    assert Embedder(load).encode([]).shape[0] == 0


def test_off_is_off_and_a_model_that_is_not_there_is_told() -> None:
    assert open_embedder("off") is None
    if importlib.util.find_spec("sentence_transformers") is None:
        assert open_embedder("auto") is None
        with pytest.raises(ConfigError):
            open_embedder("on")
