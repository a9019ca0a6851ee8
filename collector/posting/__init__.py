"""Posting: families of spans (evidence) become ledger entries, one per provider call.

In: canonical spans of one family, in any order, repeated or not; the :class:`PostingRules`. Out: :class:`~spanledger.model.Entry` rows.
Pure: no I/O, no clock. Open ``post.py`` first; ``same_call.py`` decides what is one call, ``figures.py`` whose figures count,
``aggregates.py`` what agents tell beyond their calls, ``entry.py`` builds the row, ``rules.py`` holds what policy says.
"""

from collector.posting.family import family_keys, pick, response_keys_of
from collector.posting.post import key, post
from collector.posting.rules import AppEntry, GatewayRule, PostingRules, rules_from
from collector.posting.singles import post_singles

__all__ = ["AppEntry", "GatewayRule", "PostingRules", "family_keys", "key", "pick", "post", "post_singles", "response_keys_of", "rules_from"]
