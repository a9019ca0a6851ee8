"""The posting rules as a collector on this data directory has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger.settings import Settings

if TYPE_CHECKING:
    from collector.posting import PostingRules
    from spanledger.policy import Policy


def rules_in_force(settings: Settings) -> tuple[Policy, PostingRules]:
    """The policy, and what posting knows besides spans: its prices, apps, tiers and gateways, and the price lists kept.

    Raises:
        ConfigError: the policy file or a price list cannot be used.
    """
    from collector.identity import load_identity_keys
    from collector.posting import rules_from
    from collector.pricing.editions import kept
    from spanledger.policy import load_policy

    policy = load_policy(settings.policy_path, settings.tokens_file)
    keys = load_identity_keys(settings.data_dir / "keys")
    return policy, rules_from(policy, lambda tenant: keys.name("", "tenant", tenant), kept(settings.data_dir / "prices"))
