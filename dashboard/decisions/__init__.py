"""May this app spend? Answered from memory; the ledger is read in the background.

``limits.py`` says what limits mean (pure: what is used and ``now`` in, answers out), ``book.py`` holds them with what is used and what is reserved,
``following.py`` reads policy and ledger again and again. ``dashboard/api/decision.py`` is the door.
"""
