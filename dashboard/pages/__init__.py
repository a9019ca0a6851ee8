"""The pages, one module each: ``show(view)`` asks its questions at once, then draws from top to bottom."""

#: Where the pages are, in the order of the menu; the first is the home page, also at ``/``.
PATHS = ("spend", "calls", "reliability", "quality", "releases", "alerts", "data-health")
