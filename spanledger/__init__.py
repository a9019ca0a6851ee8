"""Spanledger: the ledger for LLM calls. CLI, settings, errors and domain types; no I/O beyond the CLI.

Open ``cli.py`` first: one short function per command, each wiring one room.
"""

__version__ = "0.1.0"
