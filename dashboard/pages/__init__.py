"""The pages, one module each: ``show(view)`` asks its questions at once, then draws from top to bottom."""
