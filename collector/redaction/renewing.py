"""A redactor that follows the policy: made anew when what the organisation wants of redaction has changed."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from collector.redaction.engine import Redactor
from spanledger.errors import ConfigError
from spanledger.policy import Policy

log = structlog.get_logger(__name__)


class Renewing:
    """``Renewing(make, policy).engine`` is the first; calling it with the policy of the moment gives the next one, or ``None`` for no change.

    A wish that cannot be used (a pattern that is not linear, an example that fails) is logged, and the last good redactor stays.

    Raises:
        ConfigError: the first one cannot be made: better no start than text that was meant to go.
    """

    def __init__(self, make: Callable[[Policy], Redactor], policy: Policy) -> None:
        self._make, self._policy = make, policy
        self.engine = make(policy)

    def __call__(self, policy: Policy) -> Redactor | None:
        """See the class."""
        if policy is self._policy:
            return None
        before, self._policy = self._policy, policy
        if policy.redaction == before.redaction:
            return None
        try:
            self.engine = self._make(policy)
        except ConfigError as exc:
            log.warning("redaction_rules_not_reloaded", reason=str(exc)[:300])
            return None
        log.info("redaction_rules_reloaded")
        return self.engine
