"""Alerts: the ledger and the policy in, pages to people out; persisted, so that a restart neither loses nor repeats one.

Every few seconds ``jobs.py`` asks what holds now (``budgets.py``, ``rules.py``: findings), moves each alert's state (``state.py``), decides who is to
be told of what (``telling.py``) and sends it (``messages.py``, ``delivery.py``). Decisions are pure, ``now`` is an argument; start with ``state.py``.
"""
