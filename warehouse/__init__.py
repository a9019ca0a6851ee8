"""The warehouse: the only room that knows SQL.

In: Arrow batches of spans, contents, calls, scores. Out: Arrow/Polars frames from one typed function per question.
Open ``tables.py`` (what is stored) first, then ``engine.py`` (how it is opened) and ``queries.py`` (what is asked).
"""
