"""Spanledger's own dialect: one attribute per ledger field, understood beside every other and above all of them.

``spanledger.app``, ``.team``, ``.tenant``, ``.user``, ``.session``, ``.prompt_id``, ``.prompt_version``, ``.route``, ``.env``, ``.region``,
``.device_class`` name the caller; ``.kind``, ``.provider``, ``.model``, ``.model_requested``, ``.response_id``, ``.operation``, ``.outcome``,
``.cost``, ``.cache_hit``, ``.fallback``, ``.retry``, ``.circuit_state``, ``.service_tier``, ``.billed``, ``.sampling_ratio`` … fill the field of
that name; ``spanledger.usage.input`` (also ``spanledger.tokens_input``), ``.output``, ``.cache_read`` … the token classes;
``spanledger.biz.NAME`` a business metric. Plans read these names before any dialect's.
"""

from __future__ import annotations

from collector.dialects.table import Dialect

PREFIX = "spanledger."

OWN = Dialect(
    name="spanledger",
    scopes=("spanledger*",),
    marks=(PREFIX + "*",),
    content={
        "input": ("spanledger.input",), "output": ("spanledger.output",), "system": ("spanledger.system",),
        "documents": ("spanledger.context", "spanledger.documents"), "schema": ("spanledger.schema",),
    },
    authority=2,
)  # fmt: skip
