"""What is in a graph, in names, so that two can be compared."""

from __future__ import annotations

from keystead.authz.engine.graph import Graph


def contents(graph: Graph, *, backwards: bool = True) -> dict[str, object]:
    """Say in names what is in every index, whatever the numbers are."""
    width, numbers = graph.plan.width, [graph.number(name) for name in graph.names]

    def named(node: int) -> str:
        return f"{graph.names[node // width]}#{graph.plan.names[node % width][1]}"

    nodes = [graph.node(graph.number(name), slot) for name in graph.names for slot in slots_of(graph, name)]
    found: dict[str, object] = {
        "users": {named(node): {graph.names[user] for user in graph.users.at(node)} for node in nodes},
        "usersets": {named(node): {named(each) for each in graph.usersets.at(node)} for node in nodes},
        "qualified_users": {
            named(node): {graph.names[user]: when for user, when in graph.qualified_users.at(node).items()}
            for node in nodes
        },
        "qualified_usersets": {
            named(node): {named(each): when for each, when in graph.qualified_usersets.at(node).items()}
            for node in nodes
        },
        "qualified_slots": graph.qualified_slots,
        "memberships": {
            graph.names[user]: {named(each) for each in graph.closures.memberships.at(user)} for user in numbers
        },
        "nested": {named(node): {named(each) for each in graph.closures.nested.at(node)} for node in nodes},
    }
    if backwards:
        for door, column in zip(graph.plan.layout.doors, graph.reverse().columns, strict=True):
            found[f"reverse of {door}"] = {
                graph.names[value]: {graph.names[object] for object in column.at(value >> graph.numbering.shift)}
                for value in numbers
                if value & graph.numbering.mask == door.kind
            }
    return found


def slots_of(graph: Graph, name: str) -> list[int]:
    """The slots of an object's type; a wildcard has none."""
    type, _, id = name.partition(":")
    return [slot for (owner, _), slot in graph.plan.slots.items() if owner == type and id != "*"]


def without_nothing(found: dict[str, object]) -> dict[str, object]:
    """Leave out keys that lead nowhere: a name that nothing mentions any more counts for nothing."""
    return {
        index: {key: held for key, held in keys.items() if held}
        for index, keys in found.items()
        if isinstance(keys, dict)
    }
