"""The hot path in one place: malloc and free as closures over cells of the heap (§2.1, §2.8).

    malloc                                      free
      inbox?          ─► receive                  inbox?               ─► receive
      used, head, base = bins[size]               used, head, base = slabs[p >> slab_bits]
      head odd?       ─► bump, or new slab        used < 2, base 0?    ─► head(p): not our slab
      p = base + head                             used < 2?            ─► put_back: was full, or
      p.link = -1?    ─► take_last: full now      p.link = head            this is its last object
      head = p.link, used += 1                    head = p - base, used -= 1

The steps of ``freelist``, on the same bytes; a test compares them. They are fast
because nothing is computed that can be kept, and nothing is checked twice:

* A cell is a view of one word, with no dimensions: ``head[()]`` reads 16 bits of
  the heap without an index. Tables find a slab's cells, by size and by address.
  They are derived: plain code that may change what is first, full or ours calls
  ``_changed`` or ``_parted``, which look at the heap again.
* Poison instead of checks: what the fast path must not touch has head odd (like
  bump space) or used 0 (like the last object). An entry with used 0 says what to
  do in the place of ``head``: the cells of a full slab, or a function that frees.
* Few names in a closure, since every call fetches them all; rare steps are outside.
* ``inbox`` is front.next as a C integer; its truth value tests 8 bytes.
* Every object used here is made by the thread that uses it, since sharing one
  costs three times as much on free-threaded Python: hence closures.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any, Literal

from .allocator import Allocator
from .chunklist import OWNER
from .config import BUCKETS_OFFSET
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

Cells = tuple["memoryview[int]", "memoryview[int]", int]  # of a slab: used, head, its address
Bin = list[Any]  # the same three, of whichever slab is first; a list has no types by place
Free = Callable[[int], None]
Full = tuple["memoryview[int]", "memoryview[int]", "memoryview[int]", Bin, "memoryview[int]", int, Cells]
"""Of a full slab: used, head, link, its bin, the head of its list, the objects but one, its cells."""
Entry = tuple["memoryview[int]", Any, int]
"""What ``free`` finds by slab number. Any, since to ask for the type would cost more than all the rest:

own, with space:    Cells
own, full:          a cell that is always 0, Full, the slab's address
another's, no slab: a cell that is always 0, Free, 0
"""
TakeLast = Callable[[int, int, "memoryview[int]", "memoryview[int]"], int]
PutBack = Callable[[int, int, Full | None, int], None]

FAST_SIZES = 4096  # requests of up to this many bytes have an entry in the table
WIDTH = {"B": 1, "H": 2, "Q": 8, "q": 8}


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
        # By slab number, of own slabs: the entry while it is full; the size class.
        self._full_entries: list[Entry] = [self._unknown]
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
            self._full_entries[index] = self._full_entry(sizeclass, cells)
            self._classes[index] = sizeclass
        self._slabs[index] = self._full_entries[index] if self.metaslab.is_full(cells[1][()]) else cells

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Forget a slab's entries; its bytes are not looked at."""
        self._look_at_first(sizeclass)
        index = slab >> self.config.slab_bits
        self._cover(index)
        self._slabs[index] = self._full_entries[index] = self._unknown
        self._classes.pop(index, None)  # of a slab that an earlier thread filled there is none

    def _full_entry(self, sizeclass: int, cells: Cells) -> Entry:
        """Return the entry that an own slab has while it is full."""
        used, head, base = cells
        zero = self._no_slab[0]
        left = self.table.capacity(sizeclass, short=base == base & self._chunk_mask) - 1
        if left == 0:
            return zero, self._free, NULL  # what is full with one object is free without it
        link = self._cell(self.metaslab.word(base) + LINK, "H")
        full: Full = used, head, link, self._bins[sizeclass], self._list_heads[sizeclass], left, cells
        return zero, full, base

    def _look_at_first(self, sizeclass: int) -> None:
        """Make the bin of a class the first slab on its list."""
        first, bin = self.small_classes[sizeclass].first(), self._bins[sizeclass]
        if bin[2] != first:
            bin[:] = self._cells_of(first) if first != NULL else self._no_slab

    def _cover(self, index: int) -> None:
        """Make the lists by slab number reach an index, and an eighth further."""
        if index >= len(self._slabs):
            more = [self._unknown] * (index + index // 8 + 1 - len(self._slabs))
            self._slabs.extend(more)
            self._full_entries.extend(more)

    def _cells_of(self, slab: int) -> Cells:
        """Return a slab's cells; making them takes 2 µs, once per slab."""
        cells = self._cells.get(slab)
        if cells is None:
            word = self.metaslab.word(slab)
            cells = self._cells[slab] = (self._cell(word + USED, "H"), self._cell(word + HEAD, "H"), slab)
        return cells

    def _cell(self, address: int, format: Literal["B", "H", "Q", "q"]) -> memoryview[int]:
        """Return the cell of the word at an address."""
        return self.memory.u8[address : address + WIDTH[format]].cast(format, shape=[])

    def _watch(self, message: int) -> object:
        """Return something that is true while another message is linked behind this one."""
        if c_uint64 is None:
            return _Inbox(self._cell(message, "Q"))
        return c_uint64.from_buffer(self.memory.u8, message)

    def _build(self) -> None:
        """Build ``malloc``, ``free`` and ``receive`` over the tables."""
        u16, u64 = self.memory.u16, self.memory.u64
        (bins, rounded), slabs, plain_malloc = self._size_tables(), self._slabs, self._malloc
        take_last, put_back = self._build_take_last(bins), self._build_put_back()
        self._build_abroad = self._abroad_builder()
        receive_batch, free_messages = self._build_receive_batch(), self._build_free_messages(put_back)
        front = self.address + FRONT >> 3
        inbox = self._watch(u64[front])

        def malloc(size: int) -> int:
            if inbox:
                receive()
            if size < 0:
                return plain_malloc(size)  # it would be an index from the end
            try:
                used, head, base = bins[size]
            except IndexError:
                return plain_malloc(size)
            offset = head[()]
            if offset & 1:
                if (behind := offset + rounded[size]) < 65536:  # slab_size
                    head[()] = behind
                    used[()] = used[()] + 1
                    bumped: int = base + offset - 1
                    return bumped
                return plain_malloc(size)  # there is no slab, or this one gets full
            taken: int = base + offset
            link = u16[taken >> 1]
            if link == 0xFFFF:  # -1, the end mark
                return take_last(size, taken, used, head)
            head[()] = link
            used[()] = used[()] + 1  # += is two steps of the interpreter more
            return taken

        def free(address: int) -> None:
            if inbox:
                receive()
            try:
                used, head, base = slabs[address >> 16]  # slab_bits
                count = used[()]
                if count > 1:
                    # A ValueError where a negative address found a slab, before anything is stored.
                    head[()], u16[address >> 1] = address - base, head[()]
                    used[()] = count - 1
                    return None
            except (IndexError, ValueError):
                return put_back(address, 0, None, address + 1)
            if base:
                return put_back(address, count, head, base)
            free_here: Free = head
            return free_here(address)

        def receive() -> None:
            """Receive as ``Allocator.receive`` does, and watch the new front."""
            nonlocal inbox
            self._demand_open()
            batch = receive_batch()
            # Only we receive: what waits already needs no watch.
            inbox = u64[u64[front] >> 3] != NULL or self._watch(u64[front])
            free_messages(batch)

        def close() -> None:
            """Make even those who kept ``malloc`` and ``free`` come to ``receive``, which refuses."""
            nonlocal inbox
            inbox = True

        # A constant is faster than a variable. They are right for PAPER, and for others replaced.
        for function in malloc, free:
            function.__code__ = self._with_sizes(function.__code__)
        self.malloc, self.free, self._receive, self._close = malloc, free, receive, close

    def _with_sizes(self, code: CodeType) -> CodeType:
        """Put this configuration's sizes in the place of PAPER's."""
        sizes = {16: self.config.slab_bits, 65536: self.config.slab_size}
        constants = (sizes.get(each, each) if type(each) is int else each for each in code.co_consts)
        return code.replace(co_consts=tuple(constants))

    def _size_tables(self) -> tuple[tuple[Bin, ...], list[int]]:
        """Return bins by size, and object sizes by size, of sizes that are asked for often."""
        sizeclasses = [size_to_sizeclass(size) for size in range(min(FAST_SIZES, self.config.slab_size) + 1)]
        bins = tuple(self._bins[sizeclass] for sizeclass in sizeclasses)
        return bins, [self.table.sizes[sizeclass] for sizeclass in sizeclasses]

    def _build_take_last(self, bins: tuple[Bin, ...]) -> TakeLast:
        """Build ``take_last``: what is left to do when ``malloc`` takes the last free object of a slab."""
        prevs, nexts = self._node_views()
        slabs, slab_bits, full_entries = self._slabs, self.config.slab_bits, self._full_entries
        no_slab, full = self._no_slab, self.metaslab.full
        lists = tuple((each, self._list_heads[size_to_sizeclass(size)]) for size, each in enumerate(bins))

        def take_last(size: int, taken: int, used: memoryview[int], head: memoryview[int]) -> int:
            """Allocate the last free object, which is the list node, as ``SlabList.pop_front`` does."""
            used[()] = used[()] + 1
            head[()] = full
            bin, list_head = lists[size]
            after = nexts[taken >> 3]
            list_head[()] = after
            if after < 0:
                bin[0], bin[1], bin[2] = no_slab
            else:
                prevs[after >> 3] = -1
                bin[0], bin[1], bin[2] = slabs[after >> slab_bits]
            index = taken >> slab_bits
            slabs[index] = full_entries[index]
            return taken

        return take_last

    def _build_put_back(self) -> PutBack:
        """Build ``put_back``: what is left to do when ``free`` does not find an own slab with objects and space."""
        (prevs, nexts), slabs, slab_bits = self._node_views(), self._slabs, self.config.slab_bits
        plain_free, free_unknown = self._free, self._free_unknown

        def put_back(address: int, count: int, slab: Full | None, base: int) -> None:
            """Free the first object of a full slab, as ``SlabList.insert`` does; leave the rest to the plain code."""
            if address < base or slab is None:
                return free_unknown(address)
            if count:
                return plain_free(address)  # its last object: the slab goes back to the superslab
            used, head, link, bin, list_head, left, cells = slab
            used[()] = left
            head[()] = link[()] = address - base
            node = address >> 3
            first = list_head[()]
            prevs[node] = -1
            nexts[node] = first
            if first >= 0:
                prevs[first >> 3] = address
            list_head[()] = address
            bin[0] = used
            bin[1] = head
            bin[2] = base
            slabs[address >> slab_bits] = cells
            return None

        return put_back

    def _node_views(self) -> tuple[memoryview[int], memoryview[int]]:
        """Return views of the two words of list nodes, prev and next, by address >> 3.

        They are signed: all ones, which end a list, are a small number, -1.
        """
        u8 = self.memory.u8
        return u8.cast("q"), u8[8:].cast("q")

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

    def _build_free_messages(self, put_back: PutBack) -> Callable[[list[int]], None]:
        """Build ``free_messages``: free small objects of ours as ``free`` does, leave the rest to the plain code."""
        u16, slabs, slab_bits, unknown = self.memory.u16, self._slabs, self.config.slab_bits, self._unknown
        classes, arrived, stub, handle = self._classes, self.messages.arrived, self.queue.stub, self._handle
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache

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
