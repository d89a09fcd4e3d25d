"""The fast replay loop: as little Python code as possible around each malloc and free.

    op        (which, object, request)                       which function, from the tables below
    malloc    addresses[object] = mallocs[which](request)    thread
    calloc                                                   threads + thread
    others    ... request is the call's place in the trace   2 * threads + thread
    free      frees[which](addresses[object])                request is None

Every call of a trace becomes one tuple, prepared beforehand. Allocations that
take more than a size (aligned ones, reallocations) are rare; their function
looks up the rest, so the loop makes only one test per call.

Addresses are kept as 64-bit words, eight bytes per object. Dictionaries and lists
hold an int of 32 bytes for each, scattered in memory, and the processor waits for
them: with a dictionary, every call of a replay took a tenth longer.

The law: ``run`` makes the calls of the trace in order and keeps the addresses,
nothing else, so the same loop over empty functions measures its own cost. Left out:
contents; ``verified`` has the loop that verifies them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ..allocator import Allocator
from .sampling import EVERYTHING, Sampling
from .traces.trace import Kind, Op

__all__ = ["Addresses", "Allocate", "Compact", "Free", "address_table", "compact", "moved", "run", "tables"]

Compact = tuple[int, int, int | None]  #: a call: index of its function, object, and request
Allocate = Callable[[int], int]  #: malloc
Free = Callable[[int], None]  #: free
Addresses: TypeAlias = "memoryview[int]"  #: by object; a freed object's address stays


def address_table(objects: int) -> Addresses:
    """Return a table for the addresses of ``objects`` objects, all 0. Each thread should use its own memoryview."""
    return memoryview(array("q", bytes(8 * objects)))


def run(ops: Iterable[Compact], mallocs: Sequence[Allocate], frees: Sequence[Free], addresses: Addresses) -> None:
    """Make the calls, and keep the address of each object in ``addresses``."""
    for which, thing, request in ops:
        if request is None:
            frees[which](addresses[thing])
        else:
            addresses[thing] = mallocs[which](request)


def compact(ops: Sequence[Op], threads: Sequence[int]) -> list[Compact]:
    """Prepare calls for ``run``.

    Args:
        ops: the calls; their places are positions in this sequence, which ``tables`` must get too.
        threads: the threads that make them, in the order of the tables.
    """
    count, index_of = len(threads), {thread: index for index, thread in enumerate(threads)}
    return [_compact(place, op, index_of[op.thread], count) for place, op in enumerate(ops)]


def _compact(place: int, op: Op, index: int, count: int) -> Compact:
    """Prepare one call."""
    match op.kind:
        case Kind.FREE:
            return index, op.object, None
        case Kind.MALLOC:
            return index, op.object, op.size
        case Kind.CALLOC:
            return count + index, op.object, op.size
        case _:
            return 2 * count + index, op.object, place


def tables(
    ops: Sequence[Op], allocators: Mapping[int, Allocator], addresses: Addresses, sampling: Sampling = EVERYTHING
) -> tuple[list[Allocate], list[Free]]:
    """Return the tables of functions for ``run``, with the allocators in the order of the mapping."""
    each = tuple(allocators.values())
    mallocs = [allocator.malloc for allocator in each]
    callocs = [_calloc(allocator) for allocator in each]
    others = [_other(allocator, ops, addresses, sampling) for allocator in each]
    return [*mallocs, *callocs, *others], [allocator.free for allocator in each]


def _calloc(allocator: Allocator) -> Allocate:
    """Return calloc as a function of one size."""
    calloc = allocator.calloc
    return lambda size: calloc(1, size)


def moved(allocator: Allocator, op: Op, before: int, copy: Callable[[int], object] | None = None) -> int:
    """Reallocate an object that does not fit in memory: the steps of ``realloc``, but with another copy, or none."""
    if op.size == 0 or allocator.rounded(op.size) == allocator.usable_size(before):
        return allocator.realloc(before, op.size)
    address = allocator.malloc(op.size)
    if copy is not None:
        copy(address)
    allocator.free(before)
    return address


def _other(allocator: Allocator, ops: Sequence[Op], addresses: Addresses, sampling: Sampling) -> Allocate:
    """Return a function that makes the aligned allocation or reallocation at a place of the trace."""

    def other(place: int) -> int:
        op = ops[place]
        if op.kind is Kind.ALIGNED:
            return allocator.aligned_alloc(op.alignment, op.size)
        if not sampling.whole(op.before):
            return moved(allocator, op, addresses[op.object])
        return allocator.realloc(addresses[op.object], op.size)

    return other
