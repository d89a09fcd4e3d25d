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

from typing import Literal

from ..allocator import Allocator
from ..chunklist import OWNER
from ..config import BUCKETS_OFFSET
from ..memory import NULL
from ..messagequeue import FRONT
from ..metaslab import HEAD, LINK, SIZECLASS, USED
from ..pagemap import SUPERSLAB
from ..remotecache import CACHED
from ..sizeclass import size_to_sizeclass
from . import patterns as hotpath
from .binding import Names
from .patterns import Bin, Cells, Entry, Filled, Free, Full, WordCell

try:
    from ctypes import c_uint64
except ImportError:  # a Python without ctypes
    c_uint64 = None  # type: ignore[assignment,misc]

__all__ = ["FastAllocator"]

FAST_SIZES = 4096  # requests of up to this many bytes have an entry in the table
NONE = -1  # the size class of what is no own slab
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
        self._more_cells: dict[int, tuple[WordCell, WordCell]] = {}  # link; used and head
        # By size class: the cells of the first slab with space.
        self._bins: list[Bin] = [list(poison) for _ in range(config.num_small)]
        # By slab number: what `free` does.
        self._unknown: Entry = poison[0], self._free_unknown, NULL
        self._slabs: list[Entry] = [self._unknown]
        # By slab number, of own slabs: how it gets full, and as one of which size class; its size class.
        self._filled: list[Filled] = [(poison[0], 0, self._unknown, list(poison), poison[0])]
        self._filled_as = [NONE]
        self._classes = [NONE]
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
        if self._filled_as[index] != sizeclass:
            self._filled[index] = self._how_filled(sizeclass, cells)
            self._filled_as[index] = sizeclass
        self._classes[index] = sizeclass
        self._slabs[index] = self._filled[index][2] if self.metaslab.is_full(cells[1][()]) else cells

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Forget a slab's entries; its bytes are not looked at."""
        self._look_at_first(sizeclass)
        index = slab >> self.config.slab_bits
        self._cover(index)
        self._slabs[index] = self._unknown
        self._classes[index] = NONE

    def _how_filled(self, sizeclass: int, cells: Cells) -> Filled:
        """Return how an own slab gets full, and what ``free`` does with it then."""
        used, head, base = cells
        link, used_and_head = self._more_cells[base]
        capacity, zero = self.table.capacity(sizeclass, short=base == base & self._chunk_mask), self._no_slab[0]
        bin, list_head = self._bins[sizeclass], self._list_heads[sizeclass]
        entry: Entry = zero, self._free, NULL  # what is full with one object is free without it
        if capacity > 1:
            full: Full = used, head, link, bin, list_head, capacity - 1, cells
            entry = zero, full, base
        return used_and_head, capacity | self.metaslab.full << 16, entry, bin, list_head

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
            self._filled_as += [NONE] * more
            self._classes += [NONE] * more

    def _cells_of(self, slab: int) -> Cells:
        """Return a slab's cells; making them takes 3 µs, once per slab."""
        cells = self._cells.get(slab)
        if cells is None:
            word = self.metaslab.word(slab)
            cells = self._cells[slab] = (self._cell(word + USED, "H"), self._cell(word + HEAD, "H"), slab)
            self._more_cells[slab] = self._cell(word + LINK, "H"), self._cell(word + USED, "I")
        return cells

    def _cell(self, address: int, format: Literal["B", "H", "I", "Q", "q"]) -> WordCell:
        """Return the cell of the word at an address."""
        return self.memory.u8[address : address + WIDTH[format]].cast(format, shape=[])

    def _watch(self, message: int) -> object:
        """Return something that is true while another message is linked behind this one."""
        if c_uint64 is None:
            return _Inbox(self._cell(message, "Q"))
        return c_uint64.from_buffer(self.memory.u8, message)

    def _build(self) -> None:
        """Build ``malloc``, ``free`` and ``receive`` over the tables."""
        u64, front = self.memory.u64, self._cell(self.address + FRONT, "Q")
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache
        names = self._names(front, cached)
        self._put_back, self._abroad = names.bind(hotpath.put_back), names.bind(hotpath.abroad)
        receive_batch, free_messages = names.bind(hotpath.receive_batch), names.bind(hotpath.free_messages)

        def receive() -> None:
            """Receive as ``Allocator.receive`` does, and watch the new front."""
            self._demand_open()
            batch = receive_batch()
            # Only we receive: what waits already needs no watch.
            names["inbox"] = u64[front[()] >> 3] != NULL or self._watch(front[()])
            free_messages(batch)
            if cached[()] >= limit:
                self.post()

        def close() -> None:
            """Make even those who kept ``malloc`` and ``free`` come to ``receive``, which refuses."""
            names["inbox"] = True

        names["inbox"], names["receive"] = self._watch(front[()]), receive
        names.bind(hotpath.take_last)
        self.malloc, self.free = names.bind(hotpath.malloc), names.bind(hotpath.free)
        self._receive, self._close = receive, close

    def _names(self, front: WordCell, cached: WordCell) -> Names:
        """Return what the names in ``hotpath`` stand for here, but for what is built later."""
        sizeclasses = [size_to_sizeclass(size) for size in range(min(FAST_SIZES, self.config.slab_size) + 1)]
        u8, bins = self.memory.u8, self._bins
        second_words = u8[8:].cast("q")
        names = {
            "plain_malloc": self._malloc,
            "plain_free": self._free,
            "free_unknown": self._free_unknown,
            "bins": tuple(bins[sizeclass] for sizeclass in sizeclasses),
            "rounded": [self.table.sizes[sizeclass] for sizeclass in sizeclasses],
            "slabs": self._slabs,
            "filled": self._filled,
            "classes": self._classes,
            "no_slab": self._no_slab,
            "u16": self.memory.u16,
            "u64": self.memory.u64,
            "prevs": u8.cast("q"),
            "nexts": second_words,
            "targets": second_words,
            "cached": cached,
            "limit": self.config.remote_cache,
            "post": self.post,
            "superslab": SUPERSLAB,
            "departed": self.messages.departed,
            "front": front,
            "stub": self.queue.stub,
            "most": self.config.remote_batch,
            "lock": self._shared.lock,
            "counts": self.atomic_counts,
            "arrived": self.messages.arrived,
            "free_other": self._free_other,
        }
        return Names(hotpath, {65536: self.config.slab_size}, names)

    def _free_unknown(self, address: int) -> None:
        """Free an object of a slab without an entry in the tables; of another's small ones make it."""
        if 0 < address < self._shared.layout.end:
            self._cover(address >> self.config.slab_bits)
            if self.pagemap.get(address) == SUPERSLAB:
                owner = self._u64[(address & self._chunk_mask) + OWNER >> 3]
                if owner != self.address:
                    free_here = self._free_abroad(address, owner)
                    self._slabs[address >> self.config.slab_bits] = self._no_slab[0], free_here, NULL
                    return free_here(address)
        return self._free(address)

    def _free_abroad(self, address: int, owner: int) -> Free:
        """Return the function that frees objects of the slab around an address, which is another's."""
        slab = self.metaslab.slab_of(address)
        sizeclass_byte = self._cell(self.metaslab.word(slab) + SIZECLASS, "B")
        sizeclass = sizeclass_byte[()]
        return self._abroad(
            self._cell(self.pagemap.entry(address), "B"),
            self._cell((address & self._chunk_mask) + OWNER, "Q"),
            owner,
            sizeclass_byte,
            sizeclass,
            self.table.sizes[sizeclass],
            self._cell(self.cache.last_of(owner), "Q"),
        )

    def _free_other(self, message: int, slab: int, entry: Entry) -> None:
        """Free a message's object of a full slab, or that is its slab's only one, or another's."""
        sizeclass = self._classes[slab] if slab < len(self._classes) else NONE
        if sizeclass != NONE:
            self.messages.arrived[sizeclass] += 1
            used, here, base = entry
            if base:
                self._put_back(message, used[()], here, base)
            else:
                here(message)
        elif message != self.queue.stub:
            self._handle(message)

    def receive(self) -> None:
        """Receive as ``Allocator.receive`` does."""
        self._receive()

    def close(self) -> None:
        """Refuse every further call."""
        super().close()
        self._close()
