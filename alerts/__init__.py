"""Alerts: budgets, objectives, alert state and delivery. Pure decisions (``now`` is an argument), thin loops around them."""
