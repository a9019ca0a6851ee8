"""What is watched: cost and its factors, as logarithms, so that a doubling is as far up as a halving is down."""

from __future__ import annotations

import numpy as np

from detectors.anomaly.robust import Array
from detectors.anomaly.series import Mask

SIGNALS = ("cost", "requests", "units", "price", "retries")
#: What to tell people when a signal is the one that stands out; volume explains a cost that no ratio does.
CAUSES = ("volume", "volume", "prompt_size", "price", "retries")

_OUTPUT = 4.0  # tokens of input that one of output is worth
_PRIOR = 15.0  # requests of usual size that every hour's ratios are mixed with: keeps sparse series quiet
_LEAST_SHARE = 0.05  # of the mean hour: less is nothing
_LEAST_REQUESTS = 12.0
_TINY = 1e-15


def signals(requests: Array, tokens_in: Array, tokens_out: Array, cost: Array, usual: Mask) -> tuple[Array, Array]:
    """(series, signals, hours), and (series, 1) requests that count as next to nothing: ``log1p(requests / next to nothing)`` is the second signal.

    ``usual``: hours that tell what is usual; ratios are relative to these.
    """
    units = tokens_in + _OUTPUT * tokens_out
    hours = np.maximum(usual.sum(1, keepdims=True), 1)
    n, u, o, c = (np.where(usual, some, 0.0).sum(1, keepdims=True) for some in (requests, units, tokens_out, cost))
    each = np.maximum(n, _TINY)
    size, output, price = (np.maximum(x, _TINY) for x in (u / each, o / each, c / np.maximum(u, _TINY)))
    little_cost = np.maximum(np.maximum(_LEAST_SHARE * c / hours, _LEAST_REQUESTS * c / each), _TINY)
    little = np.maximum(_LEAST_SHARE * n / hours, _LEAST_REQUESTS)
    found = [
        np.log1p(cost / little_cost),
        np.log1p(requests / little),
        np.log((units + _PRIOR * size) / ((requests + _PRIOR) * size)),
        np.log((cost + _PRIOR * size * price) / ((units + _PRIOR * size) * price)),
        np.log((requests + _PRIOR) * output / (tokens_out + _PRIOR * output)),
    ]
    return np.stack(found, axis=1), little
