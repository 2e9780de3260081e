"""Gives every box a column, so that most wires lead to the right and the ends of all ways stand in the last one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def columns_of(nodes: Sequence[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each node, counted from the left.

    A node stands left of all it leads to, as near as it can; links that would close a circle are not counted.
    """
    onward = _without_circles(nodes, links)
    heights: dict[str, int] = {}
    for node in _deepest_first(nodes, onward):
        heights[node] = max((heights[target] + 1 for target in onward[node]), default=0)
    highest = max(heights.values(), default=0)
    return {node: highest - heights[node] for node in nodes}


def _without_circles(nodes: Sequence[str], links: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return where each node leads, leaving out every link back to a node on the way to its source."""
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in links:
        if source != target and target not in targets[source]:
            targets[source].append(target)
    onward: dict[str, list[str]] = {node: [] for node in nodes}
    done: set[str] = set()
    for start in _least_entered_first(nodes, targets):
        walk, on_way = [(start, iter(targets[start]))], {start}
        while walk and start not in done:
            node, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                walk.pop()
                on_way.discard(node)
                done.add(node)
            elif following not in on_way:
                onward[node].append(following)
                if following not in done:
                    walk.append((following, iter(targets[following])))
                    on_way.add(following)
    return onward


def _least_entered_first(nodes: Sequence[str], targets: Mapping[str, Sequence[str]]) -> list[str]:
    """Order nodes so that those nothing leads to come first: circles are then cut where they are entered."""
    entered = dict.fromkeys(nodes, 0)
    for found in targets.values():
        for target in found:
            entered[target] += 1
    return sorted(nodes, key=lambda node: entered[node])


def _deepest_first(nodes: Sequence[str], onward: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes so that all a node leads to come before it."""
    order: list[str] = []
    seen: set[str] = set()
    for start in nodes:
        walk = [(start, iter(onward[start]))] if start not in seen else []
        seen.add(start)
        while walk:
            node, rest = walk[-1]
            following = next((each for each in rest if each not in seen), None)
            if following is None:
                walk.pop()
                order.append(node)
            else:
                seen.add(following)
                walk.append((following, iter(onward[following])))
    return order
