"""Visiting: an allocator that is already in the heap, seen through other parts or another memory (§2.1).

    allocator 3 in the heap:   block at 0x1800 ◄── its own object, made with the heap's parts
                                          ▲
    visit(3, shared):                     └─────── a second object, made with the parts of ``shared``

An allocator's whole state is in its block, so a second object sees the same queue, lists
and buckets. Observers visit with the paper's parts, so that they do not rely on the parts
that they judge. The explorer visits with a memory that it watches.

The law: making a visitor changes no byte. Its counts of messages and atomic operations
start at zero. At any time, at most one object of a block may be in a call.
"""

from __future__ import annotations

from ..allocator import Allocator, Shared
from .layering import on_top_of

__all__ = ["VisitingAllocator", "visit"]


class VisitingAllocator(Allocator):
    """A second view of an allocator's block."""

    def _init(self) -> None:
        """Leave the block as it is."""


def visit(number: int, shared: Shared) -> Allocator:
    """Return a view of the allocator with this number, made with the parts of ``shared``. Cost: no store."""
    return on_top_of(VisitingAllocator, shared.parts.allocator)(number, shared)
