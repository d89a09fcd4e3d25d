"""The heap: what all allocators share, and the interface to it (§2.1).

    Heap ──┬── reserved bytes: page map, stacks of free chunks, chunks
           ├── pool of allocators, each held by one thread at a time
           ├── malloc, free, ...: by the calling thread's own allocator
           └── view, statistics, check: for any thread that has an address

A thread's first call takes an allocator from the pool, or makes one. When the
thread ends, the allocator goes back: its remote cache is posted, it keeps its
slabs, and its queue keeps receiving until another thread takes it. A thread can
also hold allocators explicitly (``acquire``), several at once and by number.

Fork: the child has a copy of the heap, but only the thread that forked. That
thread's allocators continue. Those of other threads may have been cut off at any
point of a call, and are never used again. Their objects can still be read and freed;
a freed one stays in the lost allocator's queue. Given up as well: chunks and large
objects on their way, and messages that a lost thread was just sending to a survivor,
whose queue is repaired. All other laws hold in the child; see ``interruption.fork``.

Who may call what: any thread may call everything here. ``check``, ``close`` and
exact ``statistics`` require that no other thread is in a call.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from .allocator import PAPER_PARTS, Allocator, Parts, Shared
from .atomics import AtomicCounts, Order
from .config import PAPER, Config, Decommit
from .errors import ConfigError, HeapClosed, InvalidPointer, LeakError, Reentered, integer
from .hotpath.allocator import FastAllocator
from .inspection.checked import CheckedAllocator, CheckRecord
from .inspection.laws import check_laws
from .inspection.statistics import ChunkEntry, HeapStatistics, chunk_map, heap_statistics
from .interruption import Keeping, Rank, held_over_forks, here, is_on_stack, uninterrupted
from .large import Commitment
from .memory import BUMP, LOW_MEMORY_EPOCH, NULL, Layout, Memory, space_for
from .pagemap import MEDIUM, NOT_OURS, SUPERSLAB
from .parts import demand_parts, on_top_of
from .recording.recorder import RecordingAllocator
from .recording.recording import Recording, new_recording

if TYPE_CHECKING:
    from .pictures import Pictures

__all__ = ["Heap"]


class _Lease:
    """A thread's hold on its allocator. It ends with the thread, whose locals Python then drops."""

    __slots__ = ("allocator", "heap")

    def __init__(self, heap: Heap, allocator: Allocator) -> None:
        self.heap = weakref.ref(heap)
        self.allocator = allocator

    def __del__(
        self,
        # Bound here, since modules may be gone when the interpreter exits.
        is_finalizing: Callable[[], bool] = sys.is_finalizing,
        get_ident: Callable[[], int] = threading.get_ident,
    ) -> None:
        if is_finalizing() or not hasattr(self, "allocator"):  # the constructor was cut off
            return
        heap = self.heap()
        # In a forked child, the surviving thread drops the locals of threads that do not exist there.
        if heap is not None and not heap.closed and self.allocator.holder == get_ident():
            heap._give_back(self.allocator)


class Heap:
    """A heap that is independent of all others.

    Args:
        config: ``PAPER``, ``PAPER_1MIB``, ``CLASSROOM`` or a ``Config``.
        checked: whether to find misuse: double free, invalid free, write after free, leaks. Slower.
        reserve: bytes of address space, of which only touched pages take memory. Default: 64 GiB where
            that costs nothing, see ``platform.default_reserve``; in a browser 8 MiB for ``CLASSROOM``. If the
            operating system refuses the default, the heap takes about half of what the system grants.
        decommit: when pages go back to the operating system (§2.9).
        fast: whether to use the fast path; otherwise the plain code of the concepts runs, as in checked mode.
        record: where to record every change, as events. Slower; a heap that is not recorded pays nothing.
        parts: the class that serves each concept. If one of them is not the paper's, plain code runs, so that
            every call reaches it.

    Raises:
        ConfigError: if ``reserve`` is too small for one chunk or is not a multiple of 8, or if ``checked`` and
            ``record`` are both given.
        PartError: if a part lacks something; the message names it.
        SpaceRefused: if the operating system refuses the address space.
    """

    def __init__(
        self,
        config: Config = PAPER,
        *,
        checked: bool = False,
        reserve: int | None = None,
        decommit: Decommit = Decommit.SUPERSLAB,
        fast: bool = True,
        record: Recording | None = None,
        parts: Parts = PAPER_PARTS,
    ) -> None:
        if checked and record is not None:
            raise ConfigError("a heap is checked or recorded, not both: each needs its own kind of allocator; omit one")
        if record is None and not checked:
            record = new_recording()
        demand_parts(parts)
        self.config = config
        self.parts = parts
        self.checked = checked
        self.fast = fast and not checked and record is None and parts == PAPER_PARTS
        self.recording = record
        self.closed = False
        space = space_for(config, None if reserve is None else integer(reserve, "Heap", "reserve"))
        self.layout = Layout.of(config, space.size)
        self.memory = Memory(space)
        self.memory.u64[BUMP >> 3] = self.layout.first_chunk
        self._shared = Shared(config, self.layout, self.memory, threading.RLock(), decommit, Commitment(), parts)
        self._atomics = parts.atomics(self.memory, self._shared.lock)
        self._table = parts.sizeclass(config)
        self._pagemap = parts.pagemap(self.memory, config, self.layout)
        self._metaslab = parts.metaslab(self.memory, config)
        self._mediumslab = parts.mediumslab(self.memory, config, self._table)
        self._record = CheckRecord(self._shared) if checked else None
        self._allocators: dict[int, Allocator] = {}
        self._made: tuple[Allocator, ...] = ()  # the same, for observers, who take no lock
        self._pool: list[Allocator] = []
        # Reentrant: the collector may end a lease while its thread is in acquire or release.
        self._pool_lock = threading.RLock()
        self._acquiring: FrameType | None = None  # the frame of `acquire`, which holds the lock
        self._local = threading.local()
        held_over_forks(self, self._locks(), lost=Heap._after_fork)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self._allocators)} allocators"
        return f"<Heap {self.config.name}, {self.memory.space.size:,} bytes reserved, {state}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a heap lives in its process. A fork has a copy of it."""
        raise TypeError(
            "a Heap cannot be pickled or copied, since its memory, locks and threads belong to this process; pickle "
            "heap.statistics(), heap.chunk_map(), a picture or a Recording, or make a heap in each process"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except LeakError as leaks:
            if error is None:
                raise
            error.add_note(str(leaks))  # the first error matters more

    @uninterrupted
    def close(self) -> None:
        """Give the memory back, and refuse every later call on the heap or its allocators.

        Views of objects can be read until they are dropped, but their contents are lost.

        Raises:
            LeakError: in checked mode, if objects are live; the heap is closed nevertheless.
        """
        if self.closed:
            return
        self.closed = True
        for allocator in self.allocators:
            allocator.close()
        self.memory.space.close()
        if self._record is not None:
            self._record.report_leaks()

    # Allocators.

    @uninterrupted
    def acquire(self, number: int | None = None) -> Allocator:
        """Hold an allocator, either from the pool or a new one. Give it back with ``release``.

        Args:
            number: its number, 1 to ``2^number_bits - 1``; by default the pool's newest allocator, else the
                smallest number never used.

        Raises:
            ValueError: if the number is out of range or already held.
        """
        self._demand_open()
        if number is not None:
            number = integer(number, "acquire", "number")
        with Keeping(), self._pool_lock:
            return self._take(number)

    def _take(self, number: int | None) -> Allocator:
        """Take an allocator from the pool, or make it, while the pool's lock is held."""
        self._demand_outside("acquire")
        self._acquiring = sys._getframe()
        allocator = self._pooled(number) if number is not None else self._any()
        allocator.held_by(threading.get_ident())
        if allocator in self._pool:
            self._pool.remove(allocator)
        self._acquiring = None
        return allocator

    def _demand_outside(self, call: str) -> None:
        """Raise if this thread, which holds the lock, is in the middle of acquiring an allocator."""
        if self._acquiring is not None and is_on_stack(self._acquiring, sys._getframe()):
            raise Reentered(
                f"{call} was called from inside acquire, by a finalizer, a weak-reference callback or a signal "
                "handler; only heap.free may be called there, and is done when acquire ends; make the call before or "
                "after it (§2.1)"
            )

    @uninterrupted
    def release(self, allocator: Allocator) -> None:
        """Post an allocator's remote cache and give it back to the pool. Its slabs and queue live on."""
        self._demand_open()
        self._give_back(allocator)
        lease: _Lease | None = getattr(self._local, "lease", None)
        if lease is not None and lease.allocator is allocator:
            del self._local.lease  # it was the thread's own, so the next call takes another

    @uninterrupted
    def _give_back(self, allocator: Allocator) -> None:
        """As ``release``, but usable when a thread ends, where reading its locals would create new ones that stay."""
        with self._pool_lock:
            if allocator.holder is None or self._allocators.get(allocator.number) is not allocator:
                raise ValueError(f"release({allocator!r}): this heap has not lent it out")
            if allocator.section.cut is None:
                allocator.post()
                if allocator not in self._pool:  # an interrupted call may have left it there
                    self._pool.append(allocator)
            allocator.held_by(None)

    @contextmanager
    def allocator(self, number: int | None = None) -> Iterator[Allocator]:
        """Hold an allocator for the duration of a ``with`` block."""
        allocator = self.acquire(number)
        try:
            yield allocator
        finally:
            if not self.closed:
                self.release(allocator)

    @property
    def allocators(self) -> tuple[Allocator, ...]:
        """All allocators that were ever made, in the order in which they were made."""
        return self._made

    @property
    def shared(self) -> Shared:
        """What all allocators have in common, for observers."""
        return self._shared

    @uninterrupted
    def cleanup_unused(self) -> None:
        """Let the allocators in the pool, which no thread holds, receive and forward their waiting messages."""
        self._demand_open()
        with self._pool_lock:
            for allocator in self._pool:
                allocator.held_by(threading.get_ident())
                while not allocator.queue.is_empty():
                    allocator.receive()
                allocator.post()
                allocator.held_by(None)

    def _any(self) -> Allocator:
        """Return the pool's newest allocator, or a new one. ``acquire`` takes it from the pool once it is held."""
        for allocator in reversed(self._pool):
            if allocator.holder is None and allocator.section.cut is None:
                return allocator
        number = next((n for n in range(1, 1 << self.config.number_bits) if n not in self._allocators), None)
        if number is None:
            raise ValueError(f"all {(1 << self.config.number_bits) - 1} allocators of this heap are held")
        return self._make(number)

    def _pooled(self, number: int) -> Allocator:
        """Return the allocator with a number, which nobody holds, or make it."""
        last = (1 << self.config.number_bits) - 1
        if not 1 <= number <= last:
            raise ValueError(f"acquire(number={number}): this configuration has the numbers 1 to {last} (§2.2)")
        if number not in self._allocators:
            return self._make(number)
        allocator = self._allocators[number]
        if allocator.holder is not None:
            raise ValueError(f"acquire(number={number}): this allocator is already held; release it first")
        return allocator

    def _make(self, number: int) -> Allocator:
        """Make an allocator of the kind that the heap's mode requires."""
        kind = self.parts.allocator
        if self._record is not None:
            made: Allocator = on_top_of(CheckedAllocator, kind)(number, self._shared, self._record)
        elif self.recording is not None:
            made = on_top_of(RecordingAllocator, kind)(number, self._shared, self.recording)
        else:
            made = FastAllocator(number, self._shared) if self.fast else kind(number, self._shared)
        self._allocators[number] = made
        self._made = tuple(self._allocators.values())
        return made

    # The calling thread's own allocator.

    def own(self) -> Allocator:
        """Return the calling thread's allocator, taken from the pool on its first call.

        It goes back when the thread ends. In a hot loop, keep a reference: ``a = heap.own()``.
        """
        try:
            lease: _Lease = self._local.lease
        except AttributeError:
            lease = self._rent()
        return lease.allocator

    @uninterrupted
    def _rent(self) -> _Lease:
        """Acquire the calling thread's allocator."""
        with Keeping():  # what is kept needs the lease
            lease = self._local.lease = _Lease(self, self.acquire())
        return lease

    def malloc(self, size: int) -> int:
        """Call ``Allocator.malloc`` on the calling thread's own allocator.

        Cost: less than twice a call on the allocator itself, which ``own`` returns.
        """
        return self.own().malloc(size)

    def free(self, address: int) -> None:
        """Call ``Allocator.free`` on the calling thread's own allocator.

        While the thread is acquiring that allocator, a call by a finalizer or a handler is kept and done afterwards.
        """
        try:
            own = self.own()
        except Reentered:
            here().kept.append((self._free_later, integer(address, "free", "address")))
        else:
            own.free(address)

    def _free_later(self, address: int) -> None:
        """Do a free that was kept until the thread had its allocator."""
        own = self.own()
        own.section.kept += 1
        own.free(address)

    def calloc(self, count: int, size: int) -> int:
        """Call ``Allocator.calloc`` on the calling thread's own allocator."""
        return self.own().calloc(count, size)

    def realloc(self, address: int, size: int) -> int:
        """Call ``Allocator.realloc`` on the calling thread's own allocator."""
        return self.own().realloc(address, size)

    def aligned_alloc(self, alignment: int, size: int) -> int:
        """Call ``Allocator.aligned_alloc`` on the calling thread's own allocator."""
        return self.own().aligned_alloc(alignment, size)

    # For any thread that has an address.

    def usable_size(self, address: int) -> int:
        """Return the size of an object; see ``Allocator.usable_size``."""
        start, end = self._extent(address, "usable_size")
        return end - start

    def view(self, address: int) -> memoryview[int]:
        """Return a writable view of an object's bytes, as long as its usable size.

        Raises:
            InvalidPointer: if no object starts there, as far as the page map and size class can tell.
        """
        address = integer(address, "view", "address")
        start, end = self._extent(address, "view")
        if start != address:
            raise InvalidPointer(
                f"view({address:#x}): the address is inside the object that starts at {start:#x}, "
                f"{address - start:,} bytes before it; pass the object's start, see object_start (§2.4)"
            )
        return self.memory.range(start, end)

    def object_start(self, address: int) -> int:
        """Return the start of the object around an address, from the page map and the size class (§2.4)."""
        return self._extent(address, "object_start")[0]

    def object_end(self, address: int) -> int:
        """Return the end of the object around an address, which is the address after its last byte."""
        return self._extent(address, "object_end")[1]

    def _extent(self, address: int, call: str) -> tuple[int, int]:
        """Return start and end of the object around an address. Cost: 3 loads; for large objects, up to log2 jumps."""
        self._demand_open()
        address = integer(address, call, "address")
        config = self.config
        kind = self._pagemap.get(address)
        chunk = address & ~(config.chunk_size - 1)
        if kind == SUPERSLAB:
            slab = self._metaslab.slab_of(address)
            size = self._table.sizes[self._metaslab.sizeclass(slab)]
            first = slab + (config.superslab_header if slab == chunk else 0)
            end = slab + config.slab_size
        elif kind == MEDIUM:
            size = self._table.sizes[self._mediumslab.sizeclass(chunk)]
            first, end = chunk + config.medium_header, chunk + config.chunk_size
        else:
            first, bits = self._pagemap.large_start(address)
            size = 1 << bits
            end = first + size
        start = end - -(-(end - address) // size) * size  # objects end flush with their slab
        if kind == NOT_OURS or start < first or first == NULL:
            raise InvalidPointer(
                f"no object of this heap is around {address:#x}: the page map says {kind} for its chunk, and "
                "headers are not objects; pass an address inside an object that malloc returned (§2.4)"
            )
        return start, start + size

    # For observers.

    @property
    def picture(self) -> Pictures:
        """Pictures of the heap, to be taken while no other thread is in a call; see ``pictures``."""
        from .pictures import Pictures  # loaded only if it is used

        self._demand_open()
        return Pictures(self._shared, self.allocators)

    def statistics(self) -> HeapStatistics:
        """Return what the heap did and what it holds. Exact while no other thread is in a call."""
        self._demand_open()
        base = self.memory.base()
        resident = self.memory.space.resident(base) if base is not None else None
        return heap_statistics(self._shared, self.allocators, self._atomics.counts + AtomicCounts(), resident)

    @property
    def committed(self) -> int:
        """Bytes taken into use and not given back: ``statistics().committed`` without the other counts."""
        return self._shared.commitment.committed

    def chunk_map(self) -> tuple[ChunkEntry, ...]:
        """Return every chunk that was ever handed out, by address."""
        self._demand_open()
        return tuple(chunk_map(self._shared))

    def check(self) -> None:
        """Check every law of every structure, while no other thread is in a call.

        Raises:
            CutOff: if a call on one of the allocators was cut off, after which laws may well be broken.
            LawBroken: if a law does not hold; it names the first such law and dumps the structure.
            WriteAfterFree: in checked mode, if bytes of a free object were changed.
        """
        self._demand_open()
        for allocator in self.allocators:
            allocator.section.demand_whole("check")
        if self._record is not None:
            self._record.check_free_objects({each.number for each in self.allocators if each.lost})
        check_laws(self._shared, self.allocators)

    def notify_low_memory(self) -> None:
        """Report that memory is scarce. Under ``Decommit.LAZY``, the next call for a chunk decommits free chunks."""
        self._demand_open()
        with self._shared.lock:  # for the count of operations, which other threads change, too
            self._atomics.fetch_add(LOW_MEMORY_EPOCH, 1, Order.RELAXED)

    def _demand_open(self) -> None:
        """Raise if the heap is closed."""
        if self.closed:
            raise HeapClosed("this heap was closed and its memory given back; make a new Heap")

    # Forks; see ``interruption.fork``.

    def _locks(self) -> Iterator[tuple[Rank, AbstractContextManager[object]]]:
        """Yield the locks that a fork holds. A recording has its own."""
        yield Rank.POOL, self._pool_lock
        if self._record is not None:
            yield Rank.CHECKS, self._record.lock
        yield Rank.COMMITMENT, self._shared.commitment.lock
        yield Rank.ATOMICS, self._shared.lock

    def _after_fork(self) -> None:
        """In a forked child, give up the allocators of threads that do not exist there."""
        if self.closed:
            return
        survivor = threading.get_ident()
        for allocator in self.allocators:
            if allocator.holder in (survivor, None):
                allocator.mend_queue()
                continue
            allocator.lost = True
            if self.recording is not None:
                self.recording.whole = False  # the thread may have stored bytes and not yet reported them
