"""The per-thread allocator: malloc and free, built on all the concepts (§2.1, §2.2).

    malloc(size):  receive messages;  small: first slab of the class's list, or a new slab
                                      medium: first medium slab of the class, or a new chunk
                                      large: chunks from the global stacks
    free(p):       receive messages;  page map ─► which allocator owns it?
                                      this one: back to its slab
                                      another: store {next, target} in the object, put it into the
                                               remote cache; at 1 MiB, post

An allocator owns the small and medium objects that it allocated, and only it
changes their slabs. Its entire state is in its block of the heap: queue, stub, list
heads and buckets. This Python object is a view of the block, with statistics.

This module is the plain code of the concepts. ``hotpath`` has a ``malloc`` and a
``free`` that have the same effect on the same bytes, but are faster.

Who may call what: one thread at a time holds an allocator, and only that thread
calls its methods. Other threads may only call ``queue.enqueue`` on its block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from operator import mul
from typing import TypeVar

from .atomics import AtomicCounts, Atomics, AtomicsLock
from .chunklist import KIND, OWNER, ChunkList, Kind
from .config import BUCKETS_OFFSET, Config, Decommit
from .errors import HeapClosed, InvalidPointer, integer
from .freelist import FreeList
from .interruption import Run, Section, here, interrupted, undone_by, uninterrupted
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

__all__ = ["PAPER_PARTS", "Allocator", "MessageCounts", "Parts", "Shared", "demand_product", "demand_size", "undone"]

T = TypeVar("T")
AVAILABLE, ONLY_SHORT = 144, 152  # byte offsets in the allocator's block: list heads of superslabs


@dataclass(frozen=True)
class Shared:
    """What all allocators of a heap have in common.

    Attributes:
        config: the constants from which everything else in the heap follows.
        layout: where the page map and the chunks lie in the heap's bytes.
        memory: the heap's bytes; each allocator makes its own views.
        lock: the lock that emulates atomic operations and fences.
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

    def is_owned(self) -> bool:
        """Return whether the calling thread holds a lock. Locks that do not know their owner are never held so."""
        return any(getattr(each, "_is_owned", bool)() for each in (self.lock, self.commitment.lock))


class MessageCounts:
    """What an allocator did with messages. Only its thread writes these counts.

    Attributes:
        departed: objects freed here that another allocator owns, by size class.
        arrived: objects received that the allocator owns, by size class.
        forwarded: messages received that were for another allocator.
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
        """Rounded bytes of all objects that departed."""
        return sum(map(mul, self.departed, self._sizes))


def _free_new(allocator: Allocator, address: int) -> None:
    """Free an object whose address nobody has seen."""
    allocator.free(address)


undone = undone_by(_free_new)  #: decorates a method that returns a new object, which is freed if SIGINT comes


class Allocator:
    """One allocator of a heap. Get it from ``Heap.acquire`` or ``Heap.allocator``.

    Attributes:
        number: its number, 1 or more; ``address`` is ``number << config.allocator_bits``.
        address: address of its block in the heap, which owner and target words hold.
        holder: identifier of the thread that holds it, None while it is in the pool.
        closed: whether its heap was closed.
        section: runs every call that changes the allocator, and knows whether one was cut off.
        lost: whether its thread does not exist in this process, which was forked.
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
        self.section = Section(repr(self), shared.is_owned)
        self._run: Run = self.section.run
        self._shared = shared
        self._chunk_mask = ~(shared.config.chunk_size - 1)
        self._view()
        self._init()
        self._install()

    def _init(self) -> None:
        """Initialize queue, buckets and lists in the block, which no other thread can reach yet."""
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
        """Install ``malloc`` and ``free``; the fast path has its own."""
        self.malloc, self.free = self.plain_malloc, self.plain_free

    def held_by(self, thread: int | None) -> None:
        """Record which thread holds the allocator, and make views for a new holder. Only the heap calls this."""
        if thread is not None and thread != self.holder:
            self.section.thread = here()
            self._run("acquire", None, self._move_here)
        self.holder = thread

    def _move_here(self) -> None:
        """Make the views, and what is derived from them, anew in the thread that will use them."""
        self._view()
        self._install()

    def __repr__(self) -> str:
        return f"<Allocator {self.number} at {self.address:#x}, {self.config.name}>"

    # The interface.

    def plain_malloc(self, size: int) -> int:
        """Return the address of ``size`` bytes or more, aligned to 16 or to the class's power of two.

        A size of 0 gets the smallest class. The call first receives up to ``remote_batch`` messages (§2.2).

        Cost: 4 loads and stores if a slab has space. The first object of a slab, and of a superslab, pays for
        it: an object that comes and goes alone costs about 7 times as much as one that has company.

        Raises:
            HeapExhausted: if no address space is left.
            ValueError: if ``size`` is negative.
            TypeError: if ``size`` is not an integer.
            Reentered: if the call comes from inside another one.
            CutOff: if an earlier call was cut off.
        """
        try:
            size = demand_size(size)
        except (TypeError, ValueError):
            self._run("malloc", None, self._handle_message_queue)  # as every call does
            raise
        return self._run("malloc", self._free, self._receive_and_malloc, size)

    def _receive_and_malloc(self, size: int) -> int:
        """Receive messages and allocate, inside a section."""
        self._handle_message_queue()
        return self._malloc(size)

    def _malloc(self, size: int) -> int:
        """Allocate, without receiving messages."""
        sizeclass = self.table.sizeclass(size)
        if sizeclass < self.config.num_small:
            return self._small_alloc(sizeclass)
        if sizeclass < self.config.num_sizeclasses:
            return self._medium_alloc(sizeclass)
        return self._large_alloc(size)

    def plain_free(self, address: int) -> None:
        """Free an object of any allocator; do nothing for address 0. The call first receives messages (§2.2).

        A call from inside another one, by a finalizer or a signal handler, is kept and done when that one ends.

        Raises:
            InvalidPointer: if the page map says that no object is there. Checked mode refuses every address
                that is not a live object; otherwise freeing such an address is undefined, as in C.
            TypeError: if ``address`` is not an integer.
            CutOff: if an earlier call was cut off.
        """
        address = integer(address, "free", "address")
        if not self.section.keep(self.free, address):
            self._run("free", None, self._receive_and_free, address)

    def _receive_and_free(self, address: int) -> None:
        """Receive messages and free, inside a section."""
        self._handle_message_queue()
        self._free(address)

    def _free(self, address: int) -> None:
        """Free, without receiving messages."""
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
        """Return the address of ``count * size`` zeroed bytes. Raises as ``malloc`` does."""
        total = demand_product(count, size)
        if total > self.table.sizes[-1]:
            return self._run("calloc", self._free, self._receive_and_calloc, total)
        return self._zeroed(total)

    def _receive_and_calloc(self, size: int) -> int:
        """Allocate a large object of zeroes, inside a section."""
        self._handle_message_queue()
        return self._large_alloc(size, zero=True)

    @undone
    def _zeroed(self, size: int) -> int:
        """Allocate an object and store zeroes in all of it."""
        address = self.malloc(size)
        self.memory.zero(address, size)
        return address

    def realloc(self, address: int, size: int) -> int:
        """Return an object of ``size`` bytes with the contents of the old object, and free the old one.

        If the size class stays the same, so does the object. For address 0, this is ``malloc(size)``; for a size of 0,
        it frees the object and returns 0. If no space is left, the old object is unchanged. Raises as ``malloc`` and
        ``free`` do.
        """
        self._demand_usable("realloc")
        address, size = integer(address, "realloc", "address"), integer(size, "realloc", "size")
        if size < 0:
            raise ValueError(f"realloc({address:#x}, {size}): the size must be 0 or more bytes")
        return self._realloc(address, size)

    @uninterrupted
    def _realloc(self, address: int, size: int) -> int:
        """Reallocate. An interrupted call leaves the object where it was, as its new address would be lost."""
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
        gone, stays = (moved, address) if interrupted() else (address, moved)
        self.free(gone)
        return stays

    def aligned_alloc(self, alignment: int, size: int) -> int:
        """Return ``size`` bytes or more at a multiple of ``alignment``, any power of two.

        The last object of a slab ends flush with it, so an object is aligned to the power of two in its size.
        A class whose size is a multiple of ``alignment`` therefore serves the request. Cost: up to 3 steps more
        than ``malloc``. Raises as ``malloc`` does.
        """
        alignment = integer(alignment, "aligned_alloc", "alignment")
        size = integer(size, "aligned_alloc", "size")
        if alignment < 1 or alignment & (alignment - 1):
            raise ValueError(f"aligned_alloc({alignment}, ...): the alignment must be a power of two")
        if size < 0:
            raise ValueError(f"aligned_alloc({alignment}, {size}): the size must be 0 or more bytes")
        sizeclass = self.table.sizeclass(max(size, alignment))
        while sizeclass < self.config.num_sizeclasses:
            if self.table.sizes[sizeclass] % alignment == 0:
                return self.malloc(self.table.sizes[sizeclass])
            sizeclass += 1
        # Large objects start at a multiple of their size, which is a power of two.
        return self.malloc(max(size, alignment, self.config.chunk_size))

    def usable_size(self, address: int) -> int:
        """Return the size of an object: its class's size, or a power of two of address space (§2.4).

        Raises:
            InvalidPointer: if the page map says that no object is there.
        """
        self._demand_usable("usable_size")
        address = integer(address, "usable_size", "address")
        kind = self.pagemap.get(address)
        if kind in (SUPERSLAB, MEDIUM):
            return self.table.sizes[self._sizeclass(address, kind)]
        self._demand_large(address, kind, "usable_size")
        return 1 << kind

    def rounded(self, size: int) -> int:
        """Return the number of bytes that a request of ``size`` bytes gets."""
        sizeclass = self.table.sizeclass(size)
        if sizeclass < self.config.num_sizeclasses:
            return self.table.sizes[sizeclass]
        return 1 << self._large_bits(size)

    def close(self) -> None:
        """Refuse every further call. The heap calls this when it is closed."""
        self.closed = True

    def _demand_open(self) -> None:
        """Raise if the heap is closed."""
        if self.closed:
            raise HeapClosed(f"{self!r} was called after its heap was closed; make a new Heap")

    def _demand_usable(self, call: str) -> None:
        """Raise if the heap is closed, or if an earlier call was cut off."""
        self._demand_open()
        self.section.demand_whole(call)

    # Messages.

    def handle_message_queue(self) -> None:
        """Receive up to ``remote_batch`` messages. Every malloc and free begins with this (§2.2).

        Cost: one plain load if there is no message.
        """
        self._run("handle_message_queue", None, self._handle_message_queue)

    def receive(self) -> None:
        """Receive messages: free the allocator's own objects, forward the rest, and post if that fills the cache."""
        self._run("receive", None, self._receive)

    def post(self) -> None:
        """Send everything in the remote cache (§2.2). Cost: one exchange per list."""
        self._run("post", None, self._post)

    def _handle_message_queue(self) -> None:
        """Receive messages if there are any, inside a section."""
        self._demand_open()
        if not self.queue.is_empty():
            self._receive()

    def _receive(self) -> None:
        """Receive messages, inside a section."""
        self._demand_open()
        for message in self.queue.dequeue_batch(self.config.remote_batch):
            if message != self.queue.stub:
                self._handle(message)
        if self.cache.cached() >= self.config.remote_cache:
            self._post()

    def _post(self) -> None:
        """Send everything in the remote cache, inside a section."""
        self._demand_open()
        self._posting()
        self.messages.posts += 1
        self.messages.posted_bytes = self.messages.freed_bytes
        self.cache.post(self._send)

    def mend_queue(self) -> None:
        """After a fork, drop the messages of a producer that was cut off before its link."""
        *_, newest = self.queue.walk()
        self.queue.truncate(newest)

    def _handle(self, message: int) -> None:
        """Free a message's object if this allocator owns it, otherwise cache it."""
        target = self._u64[message + TARGET >> 3]
        chunk = message & self._chunk_mask
        # Read the header, not the page map: the owner wrote it, and it is on the way to the size class.
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
        """Free another allocator's object: put it into the cache, and post if the cache is full."""
        size = self.table.sizes[sizeclass]
        self.messages.departed[sizeclass] += 1
        self.cache.dealloc(owner, address, size)
        if self.cache.cached() >= self.config.remote_cache:
            self._post()

    def _send(self, first: int, last: int) -> None:
        """Send a list of messages to the owner of the first one."""
        self.messages.batches += 1
        owner = self._u64[(first & self._chunk_mask) + OWNER >> 3]
        self._queue_at(owner).enqueue(first, last)

    # Small objects.

    def _small_alloc(self, sizeclass: Sizeclass) -> int:
        """Allocate from the first slab with space, or from a new slab."""
        slabs = self.small_classes[sizeclass]
        slab = slabs.first()
        if slab == NULL:
            slab = self._alloc_slab(sizeclass)
            slabs.insert(slab)
        taken = self.slab.alloc(slab, slabs, self.table.sizes[sizeclass])
        self._changed(sizeclass, slab)
        return taken

    def _small_dealloc(self, address: int) -> None:
        """Free one of the allocator's own small objects. A slab that becomes free goes back to its superslab."""
        slab = self.metaslab.slab_of(address)
        sizeclass = self.metaslab.sizeclass(slab)
        if self.slab.dealloc(slab, self.small_classes[sizeclass], address):
            self._parted(sizeclass, slab)  # before another allocator can take its chunk
            self._dealloc_slab(slab, sizeclass)
        else:
            self._changed(sizeclass, slab)

    def _alloc_slab(self, sizeclass: Sizeclass) -> int:
        """Take a slab. Classes that fit prefer a short slab, first from superslabs with only that one free (§2.8)."""
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

    def _dealloc_slab(self, slab: int, sizeclass: Sizeclass) -> None:  # noqa: ARG002  # checked mode uses it
        """Give a slab back. Its superslab changes lists with its status, and goes back itself once it is empty."""
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
        """Make a chunk a superslab, and put it on the list of available superslabs."""
        superslab = self.large.take_chunk()
        self.superslab.init(superslab, self.address)
        self.pagemap.set(superslab, SUPERSLAB)
        self.available.insert(superslab)
        return superslab

    def _taken(self, slab: int) -> int:
        """Commit a slab that came into use; return it."""
        self.large.slab_taken(slab, self.config.slab_size)
        return slab

    # Medium objects.

    def _medium_alloc(self, sizeclass: Sizeclass) -> int:
        """Allocate from the class's first medium slab with space, or from a new one (§2.7)."""
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
        """Free one of the allocator's own medium objects. An empty medium slab goes back to the stack of chunks."""
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
        """Free a large object of any allocator, since no allocator owns its chunks."""
        self._demand_large(address, kind, "free")
        self.pagemap.clear_large(address, kind)
        self.large.dealloc(address, kind - self.config.chunk_bits)

    def _large_bits(self, size: int) -> int:
        """Return log2 of the address space of a large object, in bytes."""
        return max((size - 1).bit_length(), self.config.chunk_bits)

    def _demand_large(self, address: int, kind: int, call: str) -> None:
        """Raise unless the page map has the start of a large object at the address."""
        start, bits = self.pagemap.large_start(address)
        if start == address != NULL:
            return
        if start == NULL:
            raise InvalidPointer(
                f"{call}({address:#x}): the page map says {kind} (not ours) for this chunk, so no object of this "
                "heap is there; pass an address that malloc of this heap returned and that was not freed (§2.4)"
            )
        raise InvalidPointer(
            f"{call}({address:#x}): the address is inside the large object of {1 << bits:,} bytes that starts at "
            f"{start:#x}, {address - start:,} bytes before it; pass the object's start (§2.4, §2.5)"
        )

    def _sizeclass(self, address: int, kind: int) -> Sizeclass:
        """Return an object's size class, from its slab's metadata or its medium slab's header."""
        if kind == SUPERSLAB:
            return self.metaslab.sizeclass(self.metaslab.slab_of(address))
        return self.mediumslab.sizeclass(address & self._chunk_mask)

    def _changed(self, sizeclass: Sizeclass, slab: int) -> None:
        """Called when a slab, or the first slab of its class, may have changed. The fast path overrides this."""

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Called when a slab leaves use, before its bytes can be reused. The fast path overrides this."""

    def _posting(self) -> None:
        """React before messages are sent, after which slabs of others may change hands. The fast path listens."""


def demand_size(size: int) -> int:
    """Return the number of bytes that ``malloc`` was asked for."""
    size = integer(size, "malloc", "size")
    if size < 0:
        raise ValueError(f"malloc({size}): the size must be 0 or more bytes")
    return size


def demand_product(count: int, size: int) -> int:
    """Return the number of bytes that ``calloc`` was asked for."""
    count, size = integer(count, "calloc", "count"), integer(size, "calloc", "size")
    if count < 0 or size < 0:
        raise ValueError(f"calloc({count}, {size}): count and size must be 0 or more")
    return count * size


@dataclass(frozen=True)
class Parts:
    """The class that serves each concept in a heap, by default the paper's (§2).

    ``Heap(parts=Parts(freelist=Mine))`` replaces one of them. A subclass may change a method; a class written
    from scratch must have all public names of the paper's class. Both work on the same bytes, so ``Heap.check``
    can judge them, since it reads the bytes by itself.

    Attributes:
        sizeclass: ``(config)`` returns the table of size classes (§2.6).
        atomics: ``(memory, lock)`` returns the atomic operations (§2.2, §2.5).
        pagemap: ``(memory, config, layout)`` returns the page map (§2.4).
        metaslab: ``(memory, config)`` returns the metadata words (§2.8).
        freelist: ``(memory, metaslab)`` returns the free lists (§2.8).
        slablist: ``(memory, metaslab, head)`` returns the list whose head is at an address (§2.8).
        chunklist: ``(memory, head)`` returns the list whose head is at an address (§2.7, §2.8).
        superslab: ``(memory, config, metaslab, table)`` returns the superslabs (§2.8).
        mediumslab: ``(memory, config, table)`` returns the medium slabs (§2.7).
        slab: ``(memory, metaslab, freelist)`` returns the slabs in use (§2.8).
        stack: ``(memory, atomics, head)`` returns the stack whose head is at an address (§2.5).
        large: ``(memory, atomics, config, layout, decommit, commitment, stack)`` returns the large objects;
            ``stack(head)`` returns one of their stacks (§2.5).
        messagequeue: ``(memory, atomics, block)`` returns the queue of the allocator at an address (§2.2).
        remotecache: ``(memory, config, block)`` returns the remote cache of the allocator at an address (§2.2).
        allocator: ``(number, shared)`` returns the allocator itself (§2.1).
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
