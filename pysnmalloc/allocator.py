"""The per-thread allocator: malloc and free over everything below (§2.1, §2.2).

    malloc(size):  receive messages;  small: first slab of the class's list, or a new slab
                                      medium: first medium slab of the class, or a new chunk
                                      large: chunks from the global stacks
    free(p):       receive messages;  page map ─► whose is it?
                                      mine: back to its slab
                                      another's: {next, target} into the object, into the remote cache;
                                                 at 1 MiB, post

An allocator owns the small and medium objects that it allocated and alone
changes their slabs. All it knows is in its block of the heap: queue, stub, list
heads, buckets; this Python object is a view of the block, and statistics.

This module is the plain code of the concepts. ``hotpath`` has a ``malloc`` and a
``free`` that do the same to the same bytes, faster.

Who may call what: one thread at a time holds an allocator, and it alone calls
its methods. Only ``queue.enqueue`` on its block is for all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from operator import mul

from .atomics import AtomicCounts, Atomics, AtomicsLock
from .chunklist import KIND, OWNER, ChunkList, Kind
from .config import BUCKETS_OFFSET, Config, Decommit
from .errors import HeapClosed, InvalidPointer
from .freelist import FreeList
from .large import Commitment, LargeObjects
from .mediumslab import Mediumslab
from .memory import NULL, Layout, Memory
from .messagequeue import TARGET, MessageQueue
from .metaslab import Metaslab
from .pagemap import MEDIUM, NOT_OURS, SUPERSLAB, PageMap
from .remotecache import RemoteCache
from .sizeclass import Sizeclass, SizeclassTable, sizeclass_table
from .slab import Slab
from .slablist import SlabList
from .stack import ChunkStack
from .superslab import Status, Superslab

__all__ = ["PAPER_PARTS", "Allocator", "MessageCounts", "Parts", "Shared"]

AVAILABLE, ONLY_SHORT = 144, 152  # byte offsets in the allocator's block: list heads of superslabs


@dataclass(frozen=True)
class Shared:
    """What all allocators of a heap have in common.

    Attributes:
        config: the constants that all else in the heap follows from.
        layout: where page map and chunks are in the heap's bytes.
        memory: the heap's bytes; each allocator makes views of its own.
        lock: the one by which atomic operations and fences are emulated.
        decommit: when pages go back to the operating system (§2.9).
        commitment: the count of committed bytes.
        parts: the classes that serve each concept.
    """

    config: Config
    layout: Layout
    memory: Memory
    lock: AtomicsLock
    decommit: Decommit
    commitment: Commitment
    parts: Parts


class MessageCounts:
    """What an allocator did with messages; written by its thread only.

    Attributes:
        departed: objects freed here that another owns, by size class.
        arrived: objects received that are the allocator's own, by size class.
        forwarded: messages received that were another's.
        posts: how often the remote cache was posted.
        batches: lists sent, one exchange each.
        posted_bytes: ``freed_bytes`` as it was at the last post.
    """

    __slots__ = ("_sizes", "arrived", "batches", "departed", "forwarded", "posted_bytes", "posts")

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self.departed = [0] * len(sizes)
        self.arrived = [0] * len(sizes)
        self.forwarded = self.posts = self.batches = self.posted_bytes = 0

    @property
    def freed_bytes(self) -> int:
        """Rounded bytes of all that departed."""
        return sum(map(mul, self.departed, self._sizes))


class Allocator:
    """One allocator of a heap; get it from ``Heap.acquire`` or ``Heap.allocator``.

    Attributes:
        number: its number, 1 or more; ``address`` is ``number << config.allocator_bits``.
        address: of its block in the heap; what owner and target words hold.
        holder: identifier of the thread that holds it, None while it is in the pool.
        closed: whether its heap was closed.
        lost: whether its thread did not come along when this process forked.
        malloc: ``malloc(size) -> address``, see ``plain_malloc``.
        free: ``free(address)``, see ``plain_free``.
    """

    malloc: Callable[[int], int]
    free: Callable[[int], None]

    def __init__(self, number: int, shared: Shared) -> None:
        self.number = number
        self.address = number << shared.config.allocator_bits
        self.config = shared.config
        self.table = shared.parts.sizeclass(shared.config)
        self.messages = MessageCounts(self.table.sizes)
        self.atomic_counts = AtomicCounts()
        self.holder: int | None = None
        self.lost = False
        self.closed = False
        self._shared = shared
        self._chunk_mask = ~(shared.config.chunk_size - 1)
        self._view()
        self._init()
        self._install()

    def _init(self) -> None:
        """Make queue, buckets and lists in the block, which nobody knows of yet."""
        self.queue.init()
        self.cache.init()
        for slabs in self.small_classes:
            slabs.clear()

    def _view(self) -> None:
        """Make this thread's own views of the heap, and put the parts together on them."""
        shared, config, parts = self._shared, self.config, self._shared.parts
        memory = self.memory = shared.memory.own_views()
        self._u64 = memory.u64
        atomics = self.atomics = parts.atomics(memory, shared.lock)
        atomics.counts = self.atomic_counts
        metaslab = self.metaslab = parts.metaslab(memory, config)
        self.pagemap = parts.pagemap(memory, config, shared.layout)
        self.slab = parts.slab(memory, metaslab, parts.freelist(memory, metaslab))
        self.superslab = parts.superslab(memory, config, metaslab, self.table)
        self.mediumslab = parts.mediumslab(memory, config, self.table)
        stack = partial(parts.stack, memory, atomics)
        self.large = parts.large(memory, atomics, config, shared.layout, shared.decommit, shared.commitment, stack)
        self.queue = self._queue_at(self.address)
        self.cache = parts.remotecache(memory, config, self.address)
        self._view_lists()

    def _view_lists(self) -> None:
        """Make the views of the lists of slabs and chunks, whose heads are in the block."""
        config, memory, parts = self.config, self.memory, self._shared.parts
        self.available = parts.chunklist(memory, self.address + AVAILABLE)
        self.only_short = parts.chunklist(memory, self.address + ONLY_SHORT)
        first = self.address + BUCKETS_OFFSET + 16 * config.buckets
        heads = range(first, first + 8 * config.num_sizeclasses, 8)
        self.small_classes = tuple(parts.slablist(memory, self.metaslab, head) for head in heads[: config.num_small])
        self.medium_classes = tuple(parts.chunklist(memory, head) for head in heads[config.num_small :])

    def _queue_at(self, block: int) -> MessageQueue:
        """Return the view of an allocator's queue."""
        return self._shared.parts.messagequeue(self.memory, self.atomics, block)

    def _install(self) -> None:
        """Put ``malloc`` and ``free`` in place; the fast path has its own."""
        self.malloc, self.free = self.plain_malloc, self.plain_free

    def held_by(self, thread: int | None) -> None:
        """Say which thread holds the allocator; a new one gets views of its own. For the heap to call."""
        if thread is not None and thread != self.holder:
            self._view()
            self._install()
        self.holder = thread

    def __repr__(self) -> str:
        return f"<Allocator {self.number} at {self.address:#x}, {self.config.name}>"

    # The interface.

    def plain_malloc(self, size: int) -> int:
        """Return the address of ``size`` bytes or more, aligned to 16 or to the class's power of two.

        A size of 0 gets the smallest class. First receives up to ``remote_batch`` messages (§2.2).

        Raises:
            HeapExhausted: when no address space is left.
            ValueError: when ``size`` is negative.
        """
        self.handle_message_queue()
        return self._malloc(size)

    def _malloc(self, size: int) -> int:
        """Allocate, messages aside."""
        if size < 0:
            raise ValueError(f"malloc({size}): a size is 0 or more bytes")
        sizeclass = self.table.sizeclass(size)
        if sizeclass < self.config.num_small:
            return self._small_alloc(sizeclass)
        if sizeclass < self.config.num_sizeclasses:
            return self._medium_alloc(sizeclass)
        return self._large_alloc(size)

    def plain_free(self, address: int) -> None:
        """Free an object, whoever allocated it; of 0: nothing. First receives messages (§2.2).

        Raises:
            InvalidPointer: when the page map says that no object is there. In checked mode every address
                that is not a live object is refused; else freeing one is undefined, as in C.
        """
        self.handle_message_queue()
        self._free(address)

    def _free(self, address: int) -> None:
        """Free, messages aside."""
        if address == NULL:
            return
        kind = self.pagemap.get(address)
        chunk = address & self._chunk_mask
        if kind not in (SUPERSLAB, MEDIUM):
            self._large_dealloc(address, kind)
            return
        owner = self._u64[chunk + OWNER >> 3]
        if owner != self.address:
            self._remote_dealloc(owner, address, self._sizeclass(address, kind))
        elif kind == SUPERSLAB:
            self._small_dealloc(address)
        else:
            self._medium_dealloc(chunk, address)

    def calloc(self, count: int, size: int) -> int:
        """Return the address of ``count * size`` zeroed bytes. Errors as ``malloc``."""
        if count < 0 or size < 0:
            raise ValueError(f"calloc({count}, {size}): both are 0 or more")
        total = count * size
        if total > self.table.sizes[-1]:
            self.handle_message_queue()
            return self._large_alloc(total, zero=True)
        address = self.malloc(total)
        self.memory.zero(address, total)
        return address

    def realloc(self, address: int, size: int) -> int:
        """Return an object of ``size`` bytes with the old one's contents, which is then free.

        In place where the size class stays the same. Of null: ``malloc(size)``; to 0 bytes: frees, returns 0.
        When no space is left, the old object stays as it was. Errors as ``malloc`` and ``free``.
        """
        if size < 0:
            raise ValueError(f"realloc({address:#x}, {size}): a size is 0 or more bytes")
        if address == NULL:
            return self.malloc(size)
        if size == 0:
            self.free(address)
            return NULL
        old = self.usable_size(address)
        if self.rounded(size) == old:
            self.large.commit_more(address, size)
            return address
        moved = self.malloc(size)
        kept = min(old, size)
        self.memory.u8[moved : moved + kept] = self.memory.u8[address : address + kept]
        self.free(address)
        return moved

    def aligned_alloc(self, alignment: int, size: int) -> int:
        """Return ``size`` bytes or more at a multiple of ``alignment``, any power of two.

        The last object of a slab ends flush with it, so objects are aligned to the power of two in their
        size: a class with enough of them serves. Cost: up to 3 steps more than ``malloc`` and its errors.
        """
        if alignment < 1 or alignment & (alignment - 1):
            raise ValueError(f"aligned_alloc({alignment}, ...): the alignment is a power of two")
        if size < 0:
            raise ValueError(f"aligned_alloc({alignment}, {size}): a size is 0 or more bytes")
        sizeclass = self.table.sizeclass(max(size, alignment))
        while sizeclass < self.config.num_sizeclasses:
            if self.table.sizes[sizeclass] % alignment == 0:
                return self.malloc(self.table.sizes[sizeclass])
            sizeclass += 1
        # Large objects start at a multiple of their size, which is a power of two.
        return self.malloc(max(size, alignment, self.config.chunk_size))

    def usable_size(self, address: int) -> int:
        """Return how many bytes an object has: its class's size, or a power of two of address space (§2.4).

        Raises:
            InvalidPointer: when the page map says that no object is there.
        """
        self._demand_open()
        kind = self.pagemap.get(address)
        if kind in (SUPERSLAB, MEDIUM):
            return self.table.sizes[self._sizeclass(address, kind)]
        self._demand_large(address, kind, "usable_size")
        return 1 << kind

    def rounded(self, size: int) -> int:
        """Return the bytes that a request of ``size`` gets."""
        sizeclass = self.table.sizeclass(size)
        if sizeclass < self.config.num_sizeclasses:
            return self.table.sizes[sizeclass]
        return 1 << self._large_bits(size)

    def close(self) -> None:
        """Refuse every further call; for the heap, when it is closed."""
        self.closed = True

    def _demand_open(self) -> None:
        """Refuse calls on an allocator of a closed heap."""
        if self.closed:
            raise HeapClosed(f"{self!r} was called after its heap was closed; make a new Heap")

    # Messages.

    def handle_message_queue(self) -> None:
        """Receive up to ``remote_batch`` messages; every malloc and free begins with it (§2.2).

        Cost: one plain load when there is none.
        """
        self._demand_open()
        if not self.queue.is_empty():
            self.receive()

    def receive(self) -> None:
        """Free what is the allocator's own, forward the rest, and post if that fills the cache."""
        self._demand_open()
        for message in self.queue.dequeue_batch(self.config.remote_batch):
            if message != self.queue.stub:
                self._handle(message)
        if self.cache.cached() >= self.config.remote_cache:
            self.post()

    def post(self) -> None:
        """Send everything in the remote cache on its way (§2.2). Cost: one exchange per list."""
        self._demand_open()
        self.messages.posts += 1
        self.messages.posted_bytes = self.messages.freed_bytes
        self.cache.post(self._send)

    def mend_queue(self) -> None:
        """After a fork: where a producer was cut off before its link, give its messages up."""
        *_, newest = self.queue.walk()
        self.queue.truncate(newest)

    def _handle(self, message: int) -> None:
        """Free one message's object if it is ours, else take it into the cache."""
        target = self._u64[message + TARGET >> 3]
        chunk = message & self._chunk_mask
        # The header is read rather than the page map: it is what the owner left there, and nearer.
        small = self._u64[chunk + KIND >> 3] == Kind.SUPER
        sizeclass = self._sizeclass(message, SUPERSLAB if small else MEDIUM)
        if target != self.address:
            self.messages.forwarded += 1
            self.cache.dealloc(target, message, self.table.sizes[sizeclass])
            return
        self.messages.arrived[sizeclass] += 1
        if small:
            self._small_dealloc(message)
        else:
            self._medium_dealloc(chunk, message)

    def _remote_dealloc(self, owner: int, address: int, sizeclass: Sizeclass) -> None:
        """Free another allocator's object: into the cache, and post when that is full."""
        size = self.table.sizes[sizeclass]
        self.messages.departed[sizeclass] += 1
        self.cache.dealloc(owner, address, size)
        if self.cache.cached() >= self.config.remote_cache:
            self.post()

    def _send(self, first: int, last: int) -> None:
        """Send a list of messages to the owner of the first."""
        self.messages.batches += 1
        owner = self._u64[(first & self._chunk_mask) + OWNER >> 3]
        self._queue_at(owner).enqueue(first, last)

    # Small objects.

    def _small_alloc(self, sizeclass: Sizeclass) -> int:
        """Allocate from the first slab with space, or from a new one."""
        slabs = self.small_classes[sizeclass]
        slab = slabs.first()
        if slab == NULL:
            slab = self._alloc_slab(sizeclass)
            slabs.insert(slab)
        taken = self.slab.alloc(slab, slabs, self.table.sizes[sizeclass])
        self._changed(sizeclass, slab)
        return taken

    def _small_dealloc(self, address: int) -> None:
        """Free an own small object; a slab that is then free goes back to its superslab."""
        slab = self.metaslab.slab_of(address)
        sizeclass = self.metaslab.sizeclass(slab)
        if self.slab.dealloc(slab, self.small_classes[sizeclass], address):
            self._parted(sizeclass, slab)  # before its chunk can be another's
            self._dealloc_slab(slab, sizeclass)
        else:
            self._changed(sizeclass, slab)

    def _alloc_slab(self, sizeclass: Sizeclass) -> int:
        """Take a slab: short ones for small classes first, from superslabs with nothing else left (§2.8)."""
        short = sizeclass <= self.table.short_max_sizeclass
        if short:
            superslab = self.only_short.pop()
            if superslab != NULL:
                return self._taken(self.superslab.alloc_short_slab(superslab, sizeclass))
        superslab = self.available.first() or self._new_superslab()
        take = self.superslab.alloc_short_slab if short else self.superslab.alloc_slab
        slab = take(superslab, sizeclass)
        status = self.superslab.status(superslab)
        if status is not Status.AVAILABLE:
            self.available.remove(superslab)
            if status is Status.ONLY_SHORT:
                self.only_short.insert(superslab)
        return self._taken(slab)

    def _dealloc_slab(self, slab: int, sizeclass: Sizeclass) -> None:  # noqa: ARG002  # checked mode wants it
        """Give a slab back; its superslab changes lists by its status, and goes when it is empty."""
        superslab = slab & self._chunk_mask
        before = self.superslab.status(superslab)
        self.superslab.dealloc_slab(superslab, slab)
        self.large.slab_returned(slab, self.config.slab_size)
        after = self.superslab.status(superslab)
        if before is after:
            return
        lists = {Status.AVAILABLE: self.available, Status.ONLY_SHORT: self.only_short}
        if before in lists:
            lists[before].remove(superslab)
        if after in lists:
            lists[after].insert(superslab)
        else:
            self._return_chunk(superslab)

    def _new_superslab(self) -> int:
        """Make a chunk a superslab, on the list of those with full-length slabs free."""
        superslab = self.large.take_chunk()
        self.superslab.init(superslab, self.address)
        self.pagemap.set(superslab, SUPERSLAB)
        self.available.insert(superslab)
        return superslab

    def _taken(self, slab: int) -> int:
        """A slab came into use."""
        self.large.slab_taken(slab, self.config.slab_size)
        return slab

    # Medium objects.

    def _medium_alloc(self, sizeclass: Sizeclass) -> int:
        """Allocate from the first medium slab of the class with space, or from a new one (§2.7)."""
        slabs = self.medium_classes[sizeclass - self.config.num_small]
        slab = slabs.first()
        fresh = slab == NULL
        if fresh:
            slab = self.large.take_chunk()
            self.mediumslab.init(slab, self.address, sizeclass)
            self.pagemap.set(slab, MEDIUM)
        taken = self.mediumslab.alloc(slab)
        full = self.mediumslab.full(slab)
        if fresh and not full:
            slabs.insert(slab)
        elif full and not fresh:
            slabs.remove(slab)
        self.large.slab_taken(taken, self.table.sizes[sizeclass])
        return taken

    def _medium_dealloc(self, slab: int, address: int) -> None:
        """Free an own medium object; an empty medium slab goes back to the stack of chunks."""
        sizeclass = self.mediumslab.sizeclass(slab)
        slabs = self.medium_classes[sizeclass - self.config.num_small]
        was_full = self.mediumslab.dealloc(slab, address)
        self.large.slab_returned(address, self.table.sizes[sizeclass])
        if self.mediumslab.empty(slab):
            if not was_full:
                slabs.remove(slab)
            self._return_chunk(slab)
        elif was_full:
            slabs.insert(slab)

    def _return_chunk(self, chunk: int) -> None:
        """Give an empty superslab or medium slab back."""
        self.pagemap.set(chunk, NOT_OURS)
        self.large.return_chunk(chunk)

    # Large objects.

    def _large_alloc(self, size: int, *, zero: bool = False) -> int:
        """Allocate whole chunks, a power of two of them (§2.5)."""
        bits = self._large_bits(size)
        block = self.large.alloc(bits - self.config.chunk_bits, size, zero=zero)
        self.pagemap.set_large(block, bits)
        return block

    def _large_dealloc(self, address: int, kind: int) -> None:
        """Free a large object, whoever allocated it: its chunks are nobody's."""
        self._demand_large(address, kind, "free")
        self.pagemap.clear_large(address, kind)
        self.large.dealloc(address, kind - self.config.chunk_bits)

    def _large_bits(self, size: int) -> int:
        """log2 of the address space of a large object."""
        return max((size - 1).bit_length(), self.config.chunk_bits)

    def _demand_large(self, address: int, kind: int, call: str) -> None:
        """Refuse what the page map does not know as the start of a large object."""
        start, bits = self.pagemap.large_start(address)
        if start == address != NULL:
            return
        if start == NULL:
            raise InvalidPointer(
                f"{call}({address:#x}): the page map says {kind} (not ours) for this chunk, so no object of this "
                "heap is there; pass an address that malloc of this heap returned and nobody freed (§2.4)"
            )
        raise InvalidPointer(
            f"{call}({address:#x}): this is inside the large object of {1 << bits:,} bytes that starts at "
            f"{start:#x}, {address - start:,} bytes before; pass its start (§2.4, §2.5)"
        )

    def _sizeclass(self, address: int, kind: int) -> Sizeclass:
        """Size class of an object by its slab's metadata or its medium slab's header."""
        if kind == SUPERSLAB:
            return self.metaslab.sizeclass(self.metaslab.slab_of(address))
        return self.mediumslab.sizeclass(address & self._chunk_mask)

    def _changed(self, sizeclass: Sizeclass, slab: int) -> None:
        """Something about an own slab, or which is first of its class, may have changed. The fast path listens."""

    def _parted(self, sizeclass: int, slab: int) -> None:
        """A slab is no longer in use; its bytes may soon be another's. The fast path listens."""


@dataclass(frozen=True)
class Parts:
    """The classes that serve each concept in a heap; by default those of the paper (§2).

    ``Heap(parts=Parts(freelist=Mine))`` puts another class in the place of one. A subclass may change a
    method; a class written from scratch must have all public names of the paper's. Both work on the same
    bytes, so ``Heap.check``, which reads the bytes by itself, judges them.

    Attributes:
        sizeclass: ``(config)`` gives the table of size classes (§2.6).
        atomics: ``(memory, lock)`` gives the atomic operations (§2.2, §2.5).
        pagemap: ``(memory, config, layout)`` gives the page map (§2.4).
        metaslab: ``(memory, config)`` gives the metadata words (§2.8).
        freelist: ``(memory, metaslab)`` gives the free lists (§2.8).
        slablist: ``(memory, metaslab, head)`` gives the list whose head is at an address (§2.8).
        chunklist: ``(memory, head)`` gives the list whose head is at an address (§2.7, §2.8).
        superslab: ``(memory, config, metaslab, table)`` gives the superslabs (§2.8).
        mediumslab: ``(memory, config, table)`` gives the medium slabs (§2.7).
        slab: ``(memory, metaslab, freelist)`` gives the slabs in use (§2.8).
        stack: ``(memory, atomics, head)`` gives the stack whose head is at an address (§2.5).
        large: ``(memory, atomics, config, layout, decommit, commitment, stack)`` gives the large objects;
            ``stack(head)`` gives one of its stacks (§2.5).
        messagequeue: ``(memory, atomics, block)`` gives the queue of the allocator at an address (§2.2).
        remotecache: ``(memory, config, block)`` gives the remote cache of the allocator at an address (§2.2).
        allocator: ``(number, shared)`` gives the allocator itself (§2.1).
    """

    sizeclass: Callable[[Config], SizeclassTable] = sizeclass_table
    atomics: Callable[[Memory, AtomicsLock], Atomics] = Atomics
    pagemap: Callable[[Memory, Config, Layout], PageMap] = PageMap
    metaslab: Callable[[Memory, Config], Metaslab] = Metaslab
    freelist: Callable[[Memory, Metaslab], FreeList] = FreeList
    slablist: Callable[[Memory, Metaslab, int], SlabList] = SlabList
    chunklist: Callable[[Memory, int], ChunkList] = ChunkList
    superslab: Callable[[Memory, Config, Metaslab, SizeclassTable], Superslab] = Superslab
    mediumslab: Callable[[Memory, Config, SizeclassTable], Mediumslab] = Mediumslab
    slab: Callable[[Memory, Metaslab, FreeList], Slab] = Slab
    stack: Callable[[Memory, Atomics, int], ChunkStack] = ChunkStack
    large: Callable[
        [Memory, Atomics, Config, Layout, Decommit, Commitment, Callable[[int], ChunkStack]], LargeObjects
    ] = LargeObjects
    messagequeue: Callable[[Memory, Atomics, int], MessageQueue] = MessageQueue
    remotecache: Callable[[Memory, Config, int], RemoteCache] = RemoteCache
    allocator: Callable[[int, Shared], Allocator] = Allocator

    def replaced(self) -> tuple[str, ...]:
        """Return the names of the parts that are not the paper's."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != each.default)


PAPER_PARTS = Parts()  #: the paper's classes
