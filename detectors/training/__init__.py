"""How the shipped models are made: labelled data in, JSON artefacts and cross-validated figures out.

Needs LightGBM and the shared hallucination data; only `metrics.py` (plain numpy) is imported at run time, for advice. Open `detectors/train.py`
(the command), then `grounding.py` and `contradiction.py` (what is fitted on what), `metrics.py` (what is reported).
"""
