"""The replay loop that verifies contents: fill on allocation, verify before free.

    malloc    address is a multiple of 16 (or of the alignment requested)    fill
    calloc    memory is zero                                                 fill
    realloc   verify; the shorter of old and new length survived             fill the rest
    free      verify

The law: a live object keeps its bytes, whatever other calls do. Programs rely on
it. An allocator breaks it if it allocates memory twice, overwrites an object with
a message or a free-list entry, or zeroes too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..allocator import Allocator
from .contents import Contents, Difference
from .loop import Addresses, moved
from .sampling import EVERYTHING, Sampling
from .traces.errors import AddressError, ContentsError
from .traces.trace import Kind, Op

__all__ = ["VerifiedLoop"]

ALIGNMENT = 16  # of every object: every size class is a multiple of it


class VerifiedLoop:
    """Makes calls and verifies the objects' contents. Each thread has its own.

    Args:
        trace: name of the trace, for messages.
        allocators: by thread.
        contents: writes and compares patterns.
        addresses: of each object, by number; the views of all threads share the same bytes.
        sampling: how much of an object is written.
    """

    def __init__(
        self,
        trace: str,
        allocators: Mapping[int, Allocator],
        contents: Contents,
        addresses: Addresses,
        sampling: Sampling = EVERYTHING,
    ) -> None:
        self._trace = trace
        self._allocators = allocators
        self._contents = contents
        self._addresses = addresses
        self._sampling = sampling

    def run(self, ops: Iterable[Op]) -> None:
        """Make the calls.

        Raises:
            ContentsError: if an object's bytes changed.
            AddressError: if an address is not aligned.
        """
        contents, addresses = self._contents, self._addresses
        for op in ops:
            allocator = self._allocators[op.thread]
            if op.kind is Kind.FREE:
                address = addresses[op.object]
                if wrong := contents.verify(op.object, address, op.size):
                    raise self._broken(op, wrong, "before its free")
                allocator.free(address)
                continue
            address = allocator.malloc(op.size) if op.kind is Kind.MALLOC else self._allocate(allocator, op)
            if address % (op.alignment or ALIGNMENT):
                self._misaligned(op, address)
            contents.fill(op.object, address, op.size)
            addresses[op.object] = address

    def verify_live(self, live: Mapping[int, int], line: int) -> None:
        """Verify the objects that are live at the end; ``live`` has the requested bytes by object."""
        for thing, size in live.items():
            if wrong := self._contents.verify(thing, self._addresses[thing], size):
                raise ContentsError(self._trace, line, thing, wrong, "at the end of the trace")

    def _allocate(self, allocator: Allocator, op: Op) -> int:
        """Make a calloc, an aligned allocation or a reallocation."""
        if op.kind is Kind.ALIGNED:
            return allocator.aligned_alloc(op.alignment, op.size)
        if op.kind is Kind.REALLOC:
            return self._reallocate(allocator, op)
        address = allocator.calloc(1, op.size)
        if wrong := self._contents.verify_zero(address, op.size):
            raise self._broken(op, wrong, "in memory from calloc")
        return address

    def _reallocate(self, allocator: Allocator, op: Op) -> int:
        """Reallocate, and verify the contents before and after."""
        before = self._addresses[op.object]
        if wrong := self._contents.verify(op.object, before, op.before):
            raise self._broken(op, wrong, "before its realloc")
        if self._sampling.whole(op.before):
            address = allocator.realloc(before, op.size)
        else:
            address = self._moved(allocator, op, before)
        if wrong := self._contents.verify(op.object, address, op.before, min(op.before, op.size)):
            raise self._broken(op, wrong, "after its realloc")
        return address

    def _moved(self, allocator: Allocator, op: Op, before: int) -> int:
        """Reallocate an object that does not fit in memory, and copy only what is written of it."""
        kept = min(op.before, op.size)
        return moved(allocator, op, before, lambda address: self._contents.move(before, address, op.before, kept))

    def _broken(self, op: Op, wrong: Difference, when: str) -> ContentsError:
        """Return the error for an object whose contents changed."""
        return ContentsError(self._trace, op.line, op.object, wrong, when)

    def _misaligned(self, op: Op, address: int) -> None:
        """Raise the error for a misaligned address."""
        rule = f"a multiple of {op.alignment or ALIGNMENT}"
        raise AddressError(self._trace, op.line, op.object, rule, f"{address:#x}")
