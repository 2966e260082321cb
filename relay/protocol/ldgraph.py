"""The graph that a document stands for, and whether it can be put in order in reasonable time.

Putting the blank nodes of a graph in order (RDFC-1.0) takes factorial time where many of them look alike: a document
of 848 bytes keeps either engine busy for seconds. Here the graph is looked at before: linear but for sorting.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from math import factorial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_QUADS: Final = 5000
"""Most statements; a post with sixteen pictures has three hundred."""
MAX_CHARACTERS: Final = 1 << 20
"""Most characters in all statements together: short names can stand for long IRIs many times."""
MAX_ORDERS: Final = 2000
"""Most orders that would have to be tried; posts of servers have at most a few."""

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NIL: Final = f"{RDF}nil"
_FIRST: Final = f"{RDF}first"
_REST: Final = f"{RDF}rest"
BLANK: Final = "_:"


class Literal(NamedTuple):
    """A value: its text, the IRI of its type, and its language in lower case, empty without one."""

    text: str
    type: str
    language: str = ""


Node: TypeAlias = str
"""An IRI, or `_:` and the label of a blank node."""


class Quad(NamedTuple):
    """A statement. `graph` is empty in the default graph."""

    subject: Node
    predicate: str
    object: Node | Literal
    graph: Node = ""


def guard(quads: Sequence[Quad]) -> Failure | None:
    """Whether the graph is one that is not put in order. Total.

    Blank nodes that look alike at first sight (RDFC-1.0 4.6, hash first degree quads) are told apart by trying orders:
    among the k of them that stand in one relation to one node, k!. Their product, over all nodes and relations, is the
    measure, because a search below one order is made for each order above it.
    """
    if len(quads) > MAX_QUADS or sum(map(_size, quads)) > MAX_CHARACTERS:
        return Failure.TOO_MANY_QUADS
    signatures, linked = _looks(quads)
    often = Counter(signatures.values())
    alike: Counter[tuple[str, str, bool, int]] = Counter()
    for predicate, subject, blanks in linked:
        for one in blanks:
            if often[signatures[one]] > 1:
                for other in blanks - {one}:
                    alike[other, predicate, one == subject, signatures[one]] += 1
    orders = 1
    for count in alike.values():
        orders *= factorial(min(count, 16))
        if orders > MAX_ORDERS:
            return Failure.POISON
    return None


def _size(quad: Quad) -> int:
    text = quad.object.text if isinstance(quad.object, Literal) else quad.object
    return len(quad.subject) + len(quad.predicate) + len(text) + len(quad.graph)


def is_blank(one: Node | Literal) -> bool:
    """Whether this is a blank node."""
    return type(one) is str and one.startswith(BLANK)


def _looks(quads: Sequence[Quad]) -> tuple[dict[str, int], list[tuple[str, str, set[str]]]]:
    """What each blank node looks like at first sight, all others beside it alike; and what links blank nodes."""
    seen: defaultdict[str, list[int]] = defaultdict(list)
    linked = []
    for subject, predicate, thing, graph in quads:
        from_blank, in_blank = subject[:2] == BLANK, graph[:2] == BLANK
        to_blank = type(thing) is str and thing[:2] == BLANK
        if not (from_blank or to_blank or in_blank):
            continue
        others = (
            "" if from_blank else subject,
            predicate,
            "" if to_blank else thing,
            "" if in_blank else graph,
        )
        if from_blank and not (to_blank or in_blank):
            seen[subject].append(hash((others, True)))
            continue
        blanks = {
            str(part)
            for part, counts in ((subject, from_blank), (thing, to_blank), (graph, in_blank))
            if counts
        }
        for part in blanks:
            seen[part].append(hash((others, part == subject, part == thing, part == graph)))
        if len(blanks) > 1:
            linked.append((predicate, subject, blanks))
    return {node: hash(tuple(sorted(hashes))) for node, hashes in seen.items()}, linked


class Graph:
    """The statements of the default graph by subject, in the order of the document."""

    def __init__(self, quads: Sequence[Quad]) -> None:
        self._nodes: dict[Node, dict[str, dict[Node | Literal, None]]] = {}
        for quad in quads:
            if not quad.graph:
                self._nodes.setdefault(quad.subject, {}).setdefault(quad.predicate, {})[quad.object] = None
        self._lists: dict[Node, list[Node | Literal] | None] = {}
        self._objects = {quad.object for quad in quads if not quad.graph}

    def about(self, node: Node) -> Mapping[str, Mapping[Node | Literal, None]]:
        """What is said of a node: an ordered set of objects by predicate; empty when nothing is."""
        return self._nodes.get(node, {})

    def is_object(self, node: Node) -> bool:
        """Whether any statement has the node as its object."""
        return node in self._objects

    def members(self, head: Node) -> list[Node | Literal] | None:
        """The members of a list (RDF Schema 1.1 5.2), None if the node begins none. Each is walked once."""
        if head not in self._lists:
            self._lists[head] = self._list(head)
        return self._lists[head]

    def _list(self, head: Node) -> list[Node | Literal] | None:
        found: list[Node | Literal] = []
        passed: set[Node | Literal] = set()
        node: Node | Literal = head
        while node != NIL:
            said = self._nodes.get(node, {}) if isinstance(node, str) else {}
            if _FIRST not in said:
                return None
            first, rest = list(said[_FIRST]), list(said.get(_REST, ()))
            if len(first) != 1 or len(rest) != 1 or node in passed:
                return None
            passed.add(node)
            found.append(first[0])
            node = rest[0]
        return found
