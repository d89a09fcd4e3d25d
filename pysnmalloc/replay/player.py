"""Playing calls on allocators, in recorded order and with real threads.

    Session   one replay: the trace, its heap, the address of each object
    Player    plays a sequence of calls, all of the trace or those of one thread

The law: every failure in a call is raised as a ``ReplayError`` that names the
call's line. The loops do not count calls for this; the list iterator that feeds
them knows how many are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import length_hint
from time import perf_counter

from ..allocator import Allocator
from ..errors import SnmallocError
from ..heap import Heap
from .contents import Contents
from .loop import Addresses, address_table, compact, run, tables
from .sampling import EVERYTHING, Sampling
from .traces.errors import AddressError, CallError, ReplayError
from .traces.trace import Kind, Op, Trace
from .verified import VerifiedLoop

__all__ = ["Player", "Session"]

CALLS = {
    Kind.MALLOC: "malloc({size})",
    Kind.CALLOC: "calloc(1, {size})",
    Kind.ALIGNED: "aligned_alloc({alignment}, {size})",
    Kind.REALLOC: "realloc(object {object}, {size})",
    Kind.FREE: "free(object {object})",
}


@dataclass
class Session:
    """One replay.

    Attributes:
        trace: the trace to replay.
        heap: the heap that it is replayed on.
        verify: whether contents are written and verified.
        compare: whether addresses are compared with the recorded ones.
        sampling: how much of each object is written.
        addresses: of each object, live or freed.
        chunks: the trace's name of each chunk of the heap, in order of first appearance.
        compared: how many addresses were compared.
    """

    trace: Trace
    heap: Heap
    verify: bool
    compare: bool
    sampling: Sampling = EVERYTHING
    addresses: Addresses = field(init=False)
    chunks: dict[int, int] = field(default_factory=dict)
    compared: int = 0

    def __post_init__(self) -> None:
        """Create the table of addresses."""
        self.addresses = address_table(self.trace.objects)

    def verified_loop(self, allocators: Mapping[int, Allocator]) -> VerifiedLoop:
        """Return a loop that verifies contents, through a view that belongs to the calling thread."""
        contents = Contents(self.heap.memory.own_views().u8, self.sampling)
        return VerifiedLoop(self.trace.name, allocators, contents, memoryview(self.addresses), self.sampling)

    def compare_addresses(self, ops: Sequence[Op]) -> None:
        """Compare the addresses that calls returned with the recorded ones, up to the names of chunks.

        Raises:
            AddressError: naming the first address that differs.
        """
        size = self.heap.config.chunk_size
        for op in ops:
            if op.kind is not Kind.MALLOC:
                continue
            chunk, offset = divmod(self.addresses[op.object], size)
            name = self.chunks.setdefault(chunk, len(self.chunks))
            place = self.trace.places[op.object]
            if (name, offset) != place:
                expected = f"chunk {place.chunk} + {place.offset:#x} as recorded"
                raise AddressError(self.trace.name, op.line, op.object, expected, f"chunk {name} + {offset:#x}")
            self.compared += 1


class Player:
    """Plays calls. The thread that holds the allocators creates and uses it.

    Args:
        session: the replay.
        ops: the calls.
        allocators: by thread, for each thread that makes one of the calls.

    Attributes:
        seconds: spent in the calls and the loop around them.
    """

    def __init__(self, session: Session, ops: Sequence[Op], allocators: Mapping[int, Allocator]) -> None:
        self._session = session
        self._ops = ops
        self._verified = session.verified_loop(allocators) if session.verify else None
        self._compact = [] if session.verify else compact(ops, tuple(allocators))
        self._addresses = memoryview(session.addresses)  # belongs to this thread
        self._mallocs, self._frees = tables(ops, allocators, self._addresses, session.sampling)
        self.seconds = 0.0

    def play(self, start: int, end: int) -> None:
        """Make the calls from one position to another.

        Raises:
            ReplayError: naming the call that failed.
        """
        try:
            if self._verified is not None:
                ops = iter(self._ops[start:end])
                left: Iterator[object] = ops
                began = perf_counter()
                self._verified.run(ops)
            else:
                calls = iter(self._compact[start:end])
                left = calls
                began = perf_counter()
                run(calls, self._mallocs, self._frees, self._addresses)
            self.seconds += perf_counter() - began
        except ReplayError:
            raise
        except Exception as error:
            # A broken heap may raise anything; naming the call always helps.
            raise self._failed(self._ops[end - length_hint(left) - 1], error) from error
        if self._session.compare:
            self._session.compare_addresses(self._ops[start:end])

    def _failed(self, op: Op, error: Exception) -> CallError:
        """Return the error for a call that raised an exception."""
        call = CALLS[op.kind].format(size=op.size, alignment=op.alignment, object=op.object)
        what = str(error) if isinstance(error, SnmallocError) else f"{type(error).__name__}: {error}"
        return CallError(self._session.trace.name, op.line, f"{call} by thread {op.thread} failed: {what}")
