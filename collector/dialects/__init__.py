"""Dialects: one small declarative table per instrumentation convention, each to the one canonical span."""
