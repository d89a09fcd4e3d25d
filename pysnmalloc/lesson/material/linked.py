"""The slab of the later design, kept in lists: what an answer to exercise 11.1 is compared with (§2.8).

    link ──► node              an object that is free and on no list; 1 if the slab is full
    head ──► freed ... freed ──► the bump pointer plus 1, or 1 if no object is fresh

The law: nothing in this module reads an answer's result; it reads the answer's four fields, and compares.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..values import plainly, shown

__all__ = ["FIELDS", "Fields", "Linked", "Place", "fields_of"]

Place = tuple[int, int, int]
"""Where the first object of a slab lies, the size of each, and where the last one ends."""

FIELDS = ("used", "head", "link", "words")
"""The names of the fields."""


@dataclass(frozen=True)
class Fields:
    """The state of a slab at one moment.

    Attributes:
        used: how many objects are allocated.
        head: the start of the free list.
        link: the node, or 1.
        words: a copy of the slab's bytes, as 16-bit words.
    """

    used: int
    head: int
    link: int
    words: list[int]


def fields_of(slab: object, end: int) -> Fields | str:
    """Return the fields of an answer's slab, or words that say why they cannot be read."""
    for name in FIELDS:
        if not hasattr(slab, name):
            return f"a `Port` has no field `{name}`"
    used, head, link = (plainly(getattr(slab, name)) for name in FIELDS[:3])
    for name, value in zip(FIELDS, (used, head, link), strict=False):
        if type(value) is not int:
            return f"`{name}` must be an int, but it is {shown(value)}"
    assert isinstance(used, int)
    assert isinstance(head, int)
    assert isinstance(link, int)
    words = getattr(slab, "words", None)
    if not isinstance(words, list | array | memoryview | bytearray):
        return f"`words` must be an array or a list of the slab's words, but it is of type {type(words).__name__}"
    if len(words) < end >> 1:
        return f"`words` must have {end >> 1} words, for {end} bytes, but it has {len(words)}"
    return Fields(used, head, link, list(words[: end >> 1]))


class Linked:
    """The right slab.

    Args:
        place: where it is.

    Attributes:
        objects: the offsets of all objects.
        node: the node, or None if the slab is full.
        freed: the free list, its head last.
        fresh: the objects that were never allocated, the next one last.
        live: the objects in use.
    """

    def __init__(self, place: Place) -> None:
        self.first, self.size, self.end = place
        self.objects = range(self.first, self.end, self.size)
        self.node: int | None = self.first
        self.freed: list[int] = []
        self.fresh = list(self.objects[:0:-1])
        self.live: list[int] = []

    def take(self) -> tuple[int, str]:
        """Take an object, and return it with the reason why it is this one."""
        node = self.node
        assert node is not None
        if self.freed:
            taken, why = self.freed.pop(), "It is the head of the free list, which comes first."
        elif self.fresh:
            taken, why = self.fresh.pop(), "No freed object is on the list, so `take` bumps. The node goes last."
        else:
            taken, self.node, why = node, None, "No other object is free, so this is the node, and the slab is full."
        self.live.append(taken)
        return taken, why

    def put(self, offset: int) -> None:
        """Take back an object. The first that a full slab gets back becomes its node."""
        self.live.remove(offset)
        if self.node is None:
            self.node = offset
        else:
            self.freed.append(offset)

    def errors(self, found: Fields) -> Iterator[str]:
        """Yield what the fields of an answer's slab say that is not so."""
        count = len(self.live)
        if found.used != count:
            yield f"{count} object{'s are' if count != 1 else ' is'} allocated, but `used` is {found.used}"
        if self.node is None:
            if found.link != 1:
                yield f"the slab is full, so `link` should be 1, but it is {found.link}"
            return
        if found.link != self.node:
            yield f"the slab's node is the object at {self.node}, but `link` is {found.link}"
        listed, end = self._listed(found.head, found.words)
        bump = self.fresh[-1] + 1 if self.fresh else 1
        if listed != self.freed[::-1]:
            yield f"the list of free objects from `head` = {found.head} is {listed}; it should be {self.freed[::-1]}"
        if end != bump:
            why = "" if self.fresh else ", as no bump space is left"
            yield f"the list from `head` = {found.head} ends in {end}; it should end in {bump}{why}"

    def _listed(self, at: int, words: Sequence[int]) -> tuple[list[int], int]:
        """Return the objects of an answer's free list, and the entry that ends it."""
        listed: list[int] = []
        while at % 2 == 0 and self.first <= at < self.end and len(listed) <= len(self.objects):
            listed.append(at)
            at = words[at >> 1]
        return listed, at

    def damage(self, before: Sequence[int], after: Sequence[int], taken: object) -> str:
        """Return words about a word that a call may not change, or nothing.

        Args:
            before: the words before the call.
            after: the words after it.
            taken: the object that the call took, which was free before; None if it took none.
        """
        kept = [(0, self.first, "no object")]
        kept += [(at, at + self.size, f"the object at {at}, which is in use") for at in self.live if at != taken]
        for start, end, owner in kept:
            if before[start >> 1 : end >> 1] != after[start >> 1 : end >> 1]:
                changed = next(at for at in range(start, end, 2) if before[at >> 1] != after[at >> 1])
                return f"changes the word at {changed}, which belongs to {owner}"
        return ""
