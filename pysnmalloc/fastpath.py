"""An allocator whose malloc and free are the hot path (§2.1, §2.8).

    hotpath     the steps of malloc and free      over the names of
    fastpath    the tables behind those names     kept in step with
    allocator   the plain code of the concepts    which does all that is rare

The tables are derived: plain code that may change what is first, full or ours calls
``_changed`` or ``_parted``, which look at the heap again. Another's slab has a
function of its own, over its cells; it asks the heap whose the slab is.

Every object used here is made by the thread that uses it, since sharing one costs
three times as much on free-threaded Python: hence one function for each allocator,
and views and tables of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from . import hotpath
from .allocator import Allocator
from .binding import Names
from .chunklist import OWNER
from .config import BUCKETS_OFFSET
from .hotpath import Bin, Cells, Entry, Filled, Free, Full
from .memory import NULL
from .messagequeue import FRONT
from .metaslab import HEAD, LINK, SIZECLASS, USED
from .pagemap import SUPERSLAB
from .remotecache import CACHED
from .sizeclass import size_to_sizeclass

try:
    from ctypes import c_uint64
except ImportError:  # a Python without ctypes
    c_uint64 = None  # type: ignore[assignment,misc]

__all__ = ["FastAllocator"]

FAST_SIZES = 4096  # requests of up to this many bytes have an entry in the table
WIDTH = {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8}


class _Inbox:
    """The truth value of a word of the heap, where there is no ctypes."""

    def __init__(self, cell: memoryview[int]) -> None:
        self._cell = cell

    def __bool__(self) -> bool:
        return self._cell[()] != 0


class FastAllocator(Allocator):
    """An allocator whose ``malloc`` and ``free`` are the fast path. All else is as in ``Allocator``."""

    def _install(self) -> None:
        """Make tables and closures, in the thread that will use them."""
        config = self.config
        poison: Cells = (
            memoryview(b"\0\0").cast("H", shape=[]),
            memoryview(b"\xff\xff").cast("H", shape=[]),
            NULL,
        )
        self._no_slab = poison
        self._cells: dict[int, Cells] = {}
        # By size class: the cells of the first slab with space.
        self._bins: list[Bin] = [list(poison) for _ in range(config.num_small)]
        # By slab number: what `free` does.
        self._unknown: Entry = poison[0], self._free_unknown, NULL
        self._slabs: list[Entry] = [self._unknown]
        # By slab number, of own slabs: how it gets full; the size class.
        self._filled: list[Filled] = [(poison[0], 0, self._unknown)]
        self._classes: dict[int, int] = {}
        heads = self.address + BUCKETS_OFFSET + 16 * config.buckets
        self._list_heads = [self._cell(heads + 8 * sizeclass, "q") for sizeclass in range(config.num_small)]
        self._build()
        for sizeclass, slabs in enumerate(self.small_classes):
            for node in slabs.walk():
                self._changed(sizeclass, self.metaslab.slab_of(node))

    def _changed(self, sizeclass: int, slab: int) -> None:
        """Look again which slab is first of a class, and whether this own one is full."""
        self._look_at_first(sizeclass)
        index, cells = slab >> self.config.slab_bits, self._cells_of(slab)
        self._cover(index)
        if self._classes.get(index) != sizeclass:
            self._filled[index] = self._how_filled(sizeclass, cells)
            self._classes[index] = sizeclass
        self._slabs[index] = self._filled[index][2] if self.metaslab.is_full(cells[1][()]) else cells

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Forget a slab's entries; its bytes are not looked at."""
        self._look_at_first(sizeclass)
        index = slab >> self.config.slab_bits
        self._cover(index)
        self._slabs[index] = self._unknown
        self._classes.pop(index, None)  # of a slab that an earlier thread filled there is none

    def _how_filled(self, sizeclass: int, cells: Cells) -> Filled:
        """Return how an own slab gets full, and what ``free`` does with it then."""
        used, head, base = cells
        word, zero = self.metaslab.word(base), self._no_slab[0]
        capacity = self.table.capacity(sizeclass, short=base == base & self._chunk_mask)
        entry: Entry = zero, self._free, NULL  # what is full with one object is free without it
        if capacity > 1:
            link, list_head = self._cell(word + LINK, "H"), self._list_heads[sizeclass]
            full: Full = used, head, link, self._bins[sizeclass], list_head, capacity - 1, cells
            entry = zero, full, base
        return self._cell(word + USED, "I"), capacity | self.metaslab.full << 16, entry

    def _look_at_first(self, sizeclass: int) -> None:
        """Make the bin of a class the first slab on its list."""
        first, bin = self.small_classes[sizeclass].first(), self._bins[sizeclass]
        if bin[2] != first:
            bin[:] = self._cells_of(first) if first != NULL else self._no_slab

    def _cover(self, index: int) -> None:
        """Make the lists by slab number reach an index, and an eighth further."""
        if index >= len(self._slabs):
            more = index + index // 8 + 1 - len(self._slabs)
            self._slabs += [self._unknown] * more
            self._filled += self._filled[:1] * more

    def _cells_of(self, slab: int) -> Cells:
        """Return a slab's cells; making them takes 2 µs, once per slab."""
        cells = self._cells.get(slab)
        if cells is None:
            word = self.metaslab.word(slab)
            cells = self._cells[slab] = (self._cell(word + USED, "H"), self._cell(word + HEAD, "H"), slab)
        return cells

    def _cell(self, address: int, format: Literal["B", "H", "I", "Q", "q"]) -> memoryview[int]:
        """Return the cell of the word at an address."""
        return self.memory.u8[address : address + WIDTH[format]].cast(format, shape=[])

    def _watch(self, message: int) -> object:
        """Return something that is true while another message is linked behind this one."""
        if c_uint64 is None:
            return _Inbox(self._cell(message, "Q"))
        return c_uint64.from_buffer(self.memory.u8, message)

    def _build(self) -> None:
        """Build ``malloc``, ``free`` and ``receive`` over the tables."""
        u64, front = self.memory.u64, self.address + FRONT >> 3
        names = self._names()
        names.bind(hotpath.take_last)
        self._put_back = names.bind(hotpath.put_back)
        self._build_abroad = self._abroad_builder()
        receive_batch, free_messages = self._build_receive_batch(), self._build_free_messages()

        def receive() -> None:
            """Receive as ``Allocator.receive`` does, and watch the new front."""
            self._demand_open()
            batch = receive_batch()
            # Only we receive: what waits already needs no watch.
            names["inbox"] = u64[u64[front] >> 3] != NULL or self._watch(u64[front])
            free_messages(batch)

        def close() -> None:
            """Make even those who kept ``malloc`` and ``free`` come to ``receive``, which refuses."""
            names["inbox"] = True

        names["inbox"], names["receive"] = self._watch(u64[front]), receive
        self.malloc, self.free = names.bind(hotpath.malloc), names.bind(hotpath.free)
        self._receive, self._close = receive, close

    def _names(self) -> Names:
        """Return what the names in ``hotpath`` stand for here, but for what is built later."""
        sizeclasses = [size_to_sizeclass(size) for size in range(min(FAST_SIZES, self.config.slab_size) + 1)]
        u8, bins, heads = self.memory.u8, self._bins, self._list_heads
        names = {
            "plain_malloc": self._malloc,
            "plain_free": self._free,
            "free_unknown": self._free_unknown,
            "bins": tuple(bins[sizeclass] for sizeclass in sizeclasses),
            "rounded": [self.table.sizes[sizeclass] for sizeclass in sizeclasses],
            "lists": tuple((bins[sizeclass], heads[sizeclass]) for sizeclass in sizeclasses),
            "slabs": self._slabs,
            "filled": self._filled,
            "no_slab": self._no_slab,
            "u16": self.memory.u16,
            "prevs": u8.cast("q"),
            "nexts": u8[8:].cast("q"),
        }
        return Names(hotpath, {16: self.config.slab_bits, 65536: self.config.slab_size}, names)

    def _free_unknown(self, address: int) -> None:
        """Free an object of a slab without an entry in the tables; of another's small ones make it."""
        if 0 < address < self._shared.layout.end:
            self._cover(address >> self.config.slab_bits)
            if self.pagemap.get(address) == SUPERSLAB:
                owner = self._u64[(address & self._chunk_mask) + OWNER >> 3]
                if owner != self.address:
                    free_here = self._build_abroad(address, owner)
                    self._slabs[address >> self.config.slab_bits] = self._no_slab[0], free_here, NULL
                    return free_here(address)
        return self._free(address)

    def _abroad_builder(self) -> Callable[[int, int], Free]:
        """Build what builds the function that frees a slab's objects while it is another's.

        The steps of ``Allocator._remote_dealloc`` and ``RemoteCache.dealloc``.
        """
        nexts, targets = self.memory.u64, self.memory.u8[8:].cast("Q")  # the two words of a message, by address >> 3
        departed, sizes = self.messages.departed, list(self.table.sizes)
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache
        free_unknown, superslab = self._free_unknown, SUPERSLAB  # here, since a global costs more

        def build(address: int, owner: int) -> Free:
            chunk, slab = address & self._chunk_mask, self.metaslab.slab_of(address)
            kind, owner_word = self._cell(self.pagemap.entry(address), "B"), self._cell(chunk + OWNER, "Q")
            sizeclass_byte = self._cell(self.metaslab.word(slab) + SIZECLASS, "B")
            sizeclass = sizeclass_byte[()]
            size, last = sizes[sizeclass], self._cell(self.cache.last_of(owner), "Q")

            def free_remote(address: int) -> None:
                if address < 0 or kind[()] != superslab or owner_word[()] != owner or sizeclass_byte[()] != sizeclass:
                    return free_unknown(address)
                departed[sizeclass] += 1
                targets[address >> 3] = owner
                nexts[last[()] >> 3] = address
                last[()] = address
                total = cached[()] + size
                cached[()] = total
                if total >= limit:
                    self.post()
                return None

            return free_remote

        return build

    def _build_receive_batch(self) -> Callable[[], list[int]]:
        """Build ``receive_batch``: the steps of ``MessageQueue.dequeue_batch``."""
        u64, front_word, most = self.memory.u64, self.address + FRONT >> 3, self.config.remote_batch
        counts, lock = self.atomic_counts, self._shared.lock

        def receive_batch() -> list[int]:
            front = u64[front_word]
            batch: list[int] = []
            after = NULL
            with lock:  # so that each load acquires, as in `Atomics.load_links`
                for _ in range(most):
                    after = u64[front >> 3]
                    if not after:
                        break
                    batch.append(front)
                    front = after
            counts.loads += len(batch) + (not after)
            u64[front_word] = front
            return batch

        return receive_batch

    def _build_free_messages(self) -> Callable[[list[int]], None]:
        """Build ``free_messages``: free small objects of ours as ``free`` does, leave the rest to the plain code."""
        u16, slabs, slab_bits, unknown = self.memory.u16, self._slabs, self.config.slab_bits, self._unknown
        classes, arrived, stub, handle = self._classes, self.messages.arrived, self.queue.stub, self._handle
        cached, limit, put_back = self._cell(self.address + CACHED, "Q"), self.config.remote_cache, self._put_back

        def free_messages(batch: list[int]) -> None:
            run = count = before = link = 0
            used, head, base = unknown
            batch.append(stub)  # which is no object: the last run ends there
            for message in batch:
                slab = message >> slab_bits
                if slab == run and count > 1:
                    u16[message >> 1] = link
                    link = message - base
                    count -= 1
                    continue
                if count:  # the run is over: all of it is in the objects but these
                    head[()] = link
                    used[()] = count
                    arrived[classes[run]] += before - count
                try:
                    used, head, base = slabs[slab]
                except IndexError:
                    used, head, base = unknown
                run, before = slab, used[()]
                if before > 1:
                    u16[message >> 1] = head[()]
                    link = message - base
                    count = before - 1
                else:
                    count = 0
                    free_one(message, slab, (used, head, base))
            if cached[()] >= limit:
                self.post()

        def free_one(message: int, slab: int, entry: Entry) -> None:
            """Free what is no part of a run: of a full slab, of a slab with no other object, and another's."""
            if slab in classes:
                arrived[classes[slab]] += 1
                used, here, base = entry
                if base:
                    put_back(message, used[()], here, base)
                else:
                    here(message)
            elif message != stub:
                handle(message)

        return free_messages

    def receive(self) -> None:
        """Receive as ``Allocator.receive`` does."""
        self._receive()

    def close(self) -> None:
        """Refuse every further call."""
        super().close()
        self._close()
