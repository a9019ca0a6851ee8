"""One-to-one matching of what two instrumentations saw: as many pairs as possible, the closest ones, decided by content alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def pairs(left: Sequence[int], candidates: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Maximum matching of a bipartite graph (Kuhn): left → right.

    Args:
        left: nodes in the order in which they choose.
        candidates: for each, its possible partners, best first. Equal arguments give equal answers.
    """
    taken: dict[int, int] = {}
    for node in left:
        _augment(node, candidates, taken)
    return {node: partner for partner, node in taken.items()}


def _augment(start: int, candidates: Mapping[int, Sequence[int]], taken: dict[int, int]) -> None:
    """Find a partner for ``start``, moving others to their next choice where needed; iterative, so that size cannot overflow the stack."""
    seen: set[int] = set()
    path: list[tuple[int, int]] = []  # (node, partner it wants)
    stack = [(start, iter(candidates.get(start, ())))]
    while stack:
        node, wishes = stack[-1]
        for partner in wishes:
            if partner in seen:
                continue
            seen.add(partner)
            path.append((node, partner))
            if partner not in taken:
                taken.update((what, who) for who, what in path)
                return
            stack.append((taken[partner], iter(candidates.get(taken[partner], ()))))
            break
        else:
            stack.pop()
            if path and stack:
                path.pop()
