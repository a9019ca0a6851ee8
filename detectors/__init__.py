"""Detectors: is a structured answer valid, is an answer supported by its context, do answers to one prompt disagree?

In: text (prompt, context, response) and what telemetry says of it. Out: a risk from 0 (fine) to 1 (bad) with evidence offsets, None where
it could not be judged, never text. Everything decides purely; `jobs.py` is the loop that reads the ledger and writes scores.

Open first: `grounding/` (retrieved context), `schema/` (structured output), `contradiction/` (answers to one prompt), `composite.py` (one
hallucination score of what ran), `calibration.py` (per route), `evaluate.py` (`spanledger eval`), `train.py` (how the models are made).
"""
