"""Did a structured answer keep its schema? Strict parse, failure class, recovered payload, first error's path.

In: the response text, the schema as telemetry carries it (any of the shapes in `carriers.py`) or None, the finish
reason. Out: a `SchemaVerdict`, which holds no text of the response. Open `verdict.py` first; `recover.py` finds a
payload inside fences and prose; `compiled.py` keeps a bounded cache of validators and refuses remote references.
"""

from detectors.schema.verdict import SchemaVerdict, check

__all__ = ["SchemaVerdict", "check"]
