"""Free lists whose links are encoded and signed, as exercise 11.3 reads them, and errors at known places (§2.8).

    head ──► at ──► following      at carries following ^ key; following carries (at + key1) * (following + key2)

The law: a list is damaged where the case says and nowhere else, so its right answer is known without looking.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Keys", "Memory", "signature", "signed"]

MODULUS = 2**64


@dataclass(frozen=True)
class Keys:
    """The keys of a slab.

    Attributes:
        link: encodes links.
        at: is added to the object before.
        following: is added to the object that is signed.
    """

    link: int
    at: int
    following: int


class Memory(dict[int, tuple[int, int]]):
    """A memory, too large to print: the link and the signature at each address."""

    def __repr__(self) -> str:
        return "memory"

    def damaged(self, at: int, *, link: int | None = None, signature: int | None = None) -> Memory:
        """Return a copy in which the link or the signature at an address is overwritten."""
        old_link, old_signature = self[at]
        words = old_link if link is None else link, old_signature if signature is None else signature
        return Memory({**self, at: words})

    def without(self, at: int) -> Memory:
        """Return a copy that lacks an object."""
        return Memory({each: words for each, words in self.items() if each != at})


def signature(keys: Keys, at: int, following: int) -> int:
    """Return the signature that the object after ``at`` carries."""
    return (at + keys.at) * (following + keys.following) % MODULUS


def signed(order: Sequence[int], keys: Keys, *, shuffled: bool = False) -> Memory:
    """Return a free list in memory.

    Args:
        order: the addresses, from the head on.
        keys: the keys.
        shuffled: whether the memory names the addresses in another order than the list.
    """
    memory = Memory()
    before = 0
    for at, following in zip(order, (*order[1:], 0), strict=True):
        memory[at] = following ^ keys.link, signature(keys, before, at) if before else 0
        before = at
    addresses = list(order)
    if shuffled:
        random.Random(len(order)).shuffle(addresses)
    return Memory({at: memory[at] for at in addresses})
