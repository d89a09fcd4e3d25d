"""The hot path in one place: malloc and free as closures over cells of the heap (§2.1, §2.8).

    malloc                                      free
      inbox?          ─► receive                  inbox?               ─► receive
      used, head, base = bins[size]               used, head, base = slabs[p >> slab_bits]
      head odd?       ─► bump, or new slab        used < 2?            ─► the slab's own function:
      p = base + head                             p.link = head            alien, full, or its last
      p.link = -1?    ─► slab's own function      head = p - base
      head = p.link, used += 1                    used -= 1

The steps of ``freelist``, on the same bytes; a test compares them. They are fast
because nothing is computed that can be kept, and nothing is checked twice:

* A cell is a view of one word, with no dimensions: ``head[()]`` reads 16 bits of
  the heap without an index. Tables find a slab's cells, by size and by address.
  They are derived: plain code that may change what is first, full or ours calls
  ``_changed`` or ``_parted``, which look at the heap again.
* Poison instead of checks: what the fast path must not touch has cells with head
  odd (like bump space) and used 0 (like the last object). What is left to do is
  each slab's own function, over its cells; it asks the heap whose the slab is.
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
TakeLast = Callable[[int], int]
Free = Callable[[int], None]

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
        # By slab number: its cells, poison where it is not ours or full.
        self._slabs = [poison]
        # By slab number: how to allocate the last free object, how to free what `free` does not; its size class.
        self._take_last_by: dict[int, TakeLast] = {}
        self._free_by: dict[int, Free] = {}
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
        self._slabs[index] = self._no_slab if self.metaslab.is_full(cells[1][()]) else cells
        if self._classes.get(index) != sizeclass:
            self._take_last_by[index], self._free_by[index] = self._build_slab(index, sizeclass, cells)
            self._classes[index] = sizeclass

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Forget a slab's entries; its bytes are not looked at."""
        self._look_at_first(sizeclass)
        index = slab >> self.config.slab_bits
        self._cover(index)
        self._slabs[index] = self._no_slab
        tables: list[dict[int, Any]] = [self._take_last_by, self._free_by, self._classes]
        for table in tables:
            table.pop(index, None)  # of a slab that an earlier thread filled there is none

    def _look_at_first(self, sizeclass: int) -> None:
        """Make the bin of a class the first slab on its list."""
        first, bin = self.small_classes[sizeclass].first(), self._bins[sizeclass]
        if bin[2] != first:
            bin[:] = self._cells_of(first) if first != NULL else self._no_slab

    def _cover(self, index: int) -> None:
        """Make the list of slabs reach an index, and an eighth further."""
        if index >= len(self._slabs):
            self._slabs.extend([self._no_slab] * (index + index // 8 + 1 - len(self._slabs)))

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
        slabs, free_by, take_last_by = self._slabs, self._free_by, self._take_last_by
        (bins, rounded), plain_malloc = self._size_tables(), self._malloc
        self._build_slab = self._slab_builder()
        self._build_abroad = self._abroad_builder()
        receive_batch, free_messages = self._build_receive_batch(), self._build_free_messages()
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
                return take_last_by[taken >> 16](taken)
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
                free_here = free_by[address >> 16]
            except (IndexError, KeyError, ValueError):
                return free_unknown(address)
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

        free_unknown = self._free_unknown
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

    def _slab_builder(self) -> Callable[[int, int, Cells], tuple[TakeLast, Free]]:
        """Build what builds a slab's two functions, over its cells."""
        i64 = self.memory.u8.cast("q")  # signed: all ones, which end a list, are a small number, -1
        slabs, slab_bits, poison, full = self._slabs, self.config.slab_bits, self._no_slab, self.metaslab.full
        bins, list_heads, plain_free = self._bins, self._list_heads, self._free

        def build(index: int, sizeclass: int, cells: Cells) -> tuple[TakeLast, Free]:
            (used, head, base), bin, list_head = cells, bins[sizeclass], list_heads[sizeclass]
            link = self._cell(self.metaslab.word(base) + LINK, "H")

            def take_last(taken: int) -> int:
                """Allocate the last free object, which is the list node, as ``SlabList.pop_front`` does."""
                used[()] = used[()] + 1
                head[()] = full
                after = i64[(taken >> 3) + 1]
                list_head[()] = after
                if after < 0:
                    bin[0], bin[1], bin[2] = poison
                else:
                    i64[after >> 3] = -1
                    bin[0], bin[1], bin[2] = slabs[after >> slab_bits]
                slabs[index] = poison
                return taken

            def put_back(address: int) -> None:
                """Free the first object of a full slab, as ``SlabList.insert`` does."""
                count = used[()]
                if count < 2:
                    return plain_free(address)  # its last object: the slab goes back to the superslab
                # Ours, with objects, and the tables do not let `free` touch it: so it is full.
                used[()] = count - 1
                head[()] = link[()] = address - base
                node = address >> 3
                first = list_head[()]
                i64[node] = -1
                i64[node + 1] = first
                if first >= 0:
                    i64[first >> 3] = address
                list_head[()] = address
                bin[0] = used
                bin[1] = head
                bin[2] = base
                slabs[index] = cells
                return None

            return take_last, put_back

        return build

    def _free_unknown(self, address: int) -> None:
        """Free an object of a slab without an entry in the tables; of another's small ones make it."""
        if 0 < address < self._shared.layout.end:
            self._cover(address >> self.config.slab_bits)
            if self.pagemap.get(address) == SUPERSLAB:
                owner = self._u64[(address & self._chunk_mask) + OWNER >> 3]
                if owner != self.address:
                    free_here = self._free_by[address >> self.config.slab_bits] = self._build_abroad(address, owner)
                    return free_here(address)
        return self._free(address)

    def _abroad_builder(self) -> Callable[[int, int], Free]:
        """Build what builds the function that frees a slab's objects while it is another's.

        The steps of ``Allocator._remote_dealloc`` and ``RemoteCache.dealloc``.
        """
        u64, departed, sizes = self.memory.u64, self.messages.departed, list(self.table.sizes)
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache
        free_unknown, superslab = self._free_unknown, SUPERSLAB  # here, since a global costs more

        def build(address: int, owner: int) -> Free:
            chunk, slab = address & self._chunk_mask, self.metaslab.slab_of(address)
            kind, owner_word = self._cell(self.pagemap.entry(address), "B"), self._cell(chunk + OWNER, "Q")
            sizeclass_byte = self._cell(self.metaslab.word(slab) + SIZECLASS, "B")
            sizeclass = sizeclass_byte[()]
            size, last = sizes[sizeclass], self._cell(self.cache.last_of(owner), "Q")

            def free_remote(address: int) -> None:
                if kind[()] != superslab or owner_word[()] != owner or sizeclass_byte[()] != sizeclass:
                    return free_unknown(address)
                departed[sizeclass] += 1
                u64[(address >> 3) + 1] = owner
                u64[last[()] >> 3] = address
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
        u16, slabs, slab_bits, poison = self.memory.u16, self._slabs, self.config.slab_bits, self._no_slab
        classes, arrived, stub, handle = self._classes, self.messages.arrived, self.queue.stub, self._handle
        cached, limit, free_by = self._cell(self.address + CACHED, "Q"), self.config.remote_cache, self._free_by

        def free_messages(batch: list[int]) -> None:
            run = count = before = link = 0
            used, head, base = poison
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
                    used, head, base = poison
                run, before = slab, used[()]
                if before > 1:
                    u16[message >> 1] = head[()]
                    link = message - base
                    count = before - 1
                else:
                    count = 0
                    free_one(message, slab)
            if cached[()] >= limit:
                self.post()

        def free_one(message: int, slab: int) -> None:
            """Free what is no part of a run: of a full slab, of a slab with no other object, and another's."""
            if slab in classes:
                arrived[classes[slab]] += 1
                free_by[slab](message)
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
