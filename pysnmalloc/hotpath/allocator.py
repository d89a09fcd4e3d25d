"""An allocator whose malloc and free are the hot path (§2.1, §2.8).

    closures             the steps of malloc and free, which use
    Tables               cells and views, which FastAllocator keeps consistent with the heap
    allocator            the plain code of the concepts, which handles the rare cases

The tables are derived from the heap. Plain code that may change which slab is first,
full or owned calls ``_changed`` or ``_parted``, which read the heap again. A slab of
another allocator has its own free function, which verifies the owner on its first call
after each post.

The thread that uses the tables makes every object in them, because a shared object
costs three times as much on free-threaded Python. When another thread takes the
allocator, ``_install`` makes new tables and closures, on that thread's views.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, TypeVar

from ..allocator import AVAILABLE, ONLY_SHORT, Allocator
from ..chunklist import NEXT, OWNER
from ..config import BUCKETS_OFFSET, Decommit
from ..mediumslab import FREE
from ..mediumslab import HEAD as MEDIUM_HEAD
from ..memory import NULL, STACKS
from ..messagequeue import FRONT
from ..metaslab import BUMP_BIT, HEAD, LINK, SIZECLASS, USED
from ..pagemap import NOT_OURS, SUPERSLAB
from ..remotecache import CACHED
from ..sizeclass import SizeclassTable
from ..superslab import USED_BYTE
from .closures import Bin, Cells, Foreign, FreeFunction, Own, Rare, Tables, WordCell, hot_path, poison
from .lone import Lone, LoneMedium, LoneSuperslab, Stack, lone_mediumslab, lone_superslab

try:
    from ctypes import c_uint64
except ImportError:  # a Python without ctypes
    c_uint64 = None  # type: ignore[assignment,misc]

__all__ = ["FastAllocator"]

T = TypeVar("T")
FAST_SIZES = 4096  # requests of up to this many bytes have an entry in the table
END_MARK = 0xFFFF  # -1 in 16 bits
NONE = -1  # the size class of a slab that this allocator does not own
WIDTH = {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8}


def _own_object(number: int) -> int:
    """Return the number as an object that this thread has made."""
    return int.from_bytes(number.to_bytes(8, "little"), "little")


@cache
def _sizeclasses(table: SizeclassTable) -> tuple[int, ...]:
    """Return the size classes of the requests that have an entry in the tables. They are small ints, which cost
    nothing to share.
    """
    return tuple(map(table.sizeclass, range(min(FAST_SIZES, table.sizes[-1]) + 1)))


class _Inbox:
    """A word of the heap that is true unless it is 0, for a Python without ctypes."""

    def __init__(self, cell: memoryview[int]) -> None:
        self._cell = cell

    def __bool__(self) -> bool:
        return self._cell[()] != 0


class FastAllocator(Allocator):
    """An allocator whose ``malloc`` and ``free`` are the hot path. Everything else is as in ``Allocator``."""

    def _install(self) -> None:
        """Make the tables and the closures, in the thread that will use them."""
        zero, odd = (memoryview(word).cast("H", shape=[]) for word in (b"\0\0", b"\xff\xff"))
        self._no_slab: Cells = zero, odd, NULL, self._free
        # By slab address: its cells; its link; used and head as one cell.
        self._cells: dict[int, tuple[Cells, WordCell, WordCell]] = {}
        self._bins: list[Bin] = [list(self._no_slab) for _ in range(self.config.num_small)]  # by size class
        heads = self.address + BUCKETS_OFFSET + 16 * self.config.buckets
        self._list_heads = [self._cell(heads + 8 * sizeclass, "q") for sizeclass in range(self.config.num_small)]
        self._tables = self._make_tables()
        self._lone: Lone | None = None
        self._given_back = NULL, NONE  # the last chunk that the plain code returned, and its size class
        self._hot = hot_path(self._tables, self._rare())
        self._single = poison(self._tables, self._hot.rare_free)  # for slabs that one object fills
        self.malloc, self.free, self._run = self._hot.malloc, self._hot.free, self._hot.apart
        for sizeclass, slabs in enumerate(self.small_classes):
            for node in slabs.walk():
                self._changed(sizeclass, self.metaslab.slab_of(node))

    def _make_tables(self) -> Tables:
        """Make the tables, whose lists by slab number are still empty."""
        sizeclasses = _sizeclasses(self.table)
        rounded = [_own_object(size) for size in self.table.sizes]
        medium: Bin = list(self._no_slab)
        u8 = self.memory.u8
        second_words = u8[8:].cast("q")
        return Tables(
            bins=tuple(self._bins[each] if each < self.config.num_small else medium for each in sizeclasses),
            rounded=[rounded[sizeclass] for sizeclass in sizeclasses],
            no_slab=self._no_slab,
            slabs=[],
            own=[],
            classes=[],
            verified=[],
            slab_size=_own_object(self.config.slab_size),
            end_mark=_own_object(END_MARK),
            u16=self.memory.u16,
            u64=self.memory.u64,
            prevs=u8.cast("q"),
            nexts=second_words,
            targets=second_words,
            front=self._cell(self.address + FRONT, "Q"),
            stub=_own_object(self.queue.stub),
            batch=_own_object(self.config.remote_batch),
            cached=self._cell(self.address + CACHED, "Q"),
            limit=_own_object(self.config.remote_cache),
            departed=self.messages.departed,
            arrived=self.messages.arrived,
            lock=self._shared.lock,
            counts=self.atomic_counts,
        )

    def _rare(self) -> Rare:
        """Return the functions that the closures call in rare cases."""
        return Rare(
            section=self.section,
            malloc=self._malloc,
            take_lone=self._take_lone,
            free_lone=self._free_lone,
            undo=self._free,
            free=self._rare_free,
            free_unknown=self._free_unknown,
            free_message=self._free_message,
            keep=self._keep,
            post=self._post,
            is_inside=self._is_inside,
            watch=self._watch,
        )

    def _keep(self, address: int) -> bool:
        """Keep a free that comes from inside another call; return whether there is one."""
        return self.section.keep(self.free, address)

    def _is_inside(self) -> bool:
        """Return whether this thread is in the middle of a call. Raise if the heap is closed, or a call was cut off."""
        self._demand_open()
        self.section.demand_whole("malloc or free")
        return self.section.is_inside()

    def _watch(self, message: int) -> object:
        """Return an object that is true while another message is linked after this one."""
        if c_uint64 is None:
            return _Inbox(self._cell(message, "Q"))
        return c_uint64.from_buffer(self.memory.u8, message)

    def _cell(self, address: int, format: Literal["B", "H", "I", "Q", "q"]) -> WordCell:
        """Return a cell for the word at an address."""
        return self.memory.u8[address : address + WIDTH[format]].cast(format, shape=[])

    # Keep the tables consistent with the heap.

    def _changed(self, sizeclass: int, slab: int) -> None:
        """Update the first slab of a size class, and whether this slab of the class is full."""
        self._look_at_first(sizeclass)
        tables, index = self._tables, slab >> self.config.slab_bits
        self._cover(index)
        if tables.classes[index] != sizeclass:
            tables.classes[index] = sizeclass
            tables.own[index] = self._own(sizeclass, slab)
        cells = tables.own[index][0]
        if not self.metaslab.is_full(cells[1][()]):
            tables.slabs[index] = cells
        else:  # a slab that one object fills is empty without that object
            tables.slabs[index] = self._hot.full if self._capacity(sizeclass, slab) > 1 else self._single

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Remove a slab from the tables, without reading its bytes."""
        self._look_at_first(sizeclass)
        tables, index = self._tables, slab >> self.config.slab_bits
        self._cover(index)
        tables.slabs[index] = self._hot.unknown
        tables.classes[index] = NONE

    def _posting(self) -> None:
        """Make later frees verify the slabs of other allocators, which may change hands when messages are sent.

        This happens before the messages are sent, since a finalizer may free an object during the post.
        """
        tables = self._tables
        for index, doubtful in tables.verified:
            tables.slabs[index] = doubtful
        tables.verified.clear()

    def _look_at_first(self, sizeclass: int) -> None:
        """Put the first slab of a class's list into the class's bin."""
        first, bin = self.small_classes[sizeclass].first(), self._bins[sizeclass]
        if bin[2] != first:
            bin[:] = self._cells_of(first)[0] if first != NULL else self._no_slab

    def _cover(self, index: int) -> None:
        """Extend the lists by slab number to an index, and by an eighth more."""
        tables = self._tables
        if index >= len(tables.slabs):
            more = index + index // 8 + 1 - len(tables.slabs)
            zero = self._no_slab[0]
            tables.slabs.extend([self._hot.unknown] * more)
            tables.own.extend([(self._no_slab, zero, zero, 0, 0, [], zero)] * more)
            tables.classes.extend([NONE] * more)

    def _own(self, sizeclass: int, slab: int) -> Own:
        """Return what changes when a slab becomes full, and when it is no longer full."""
        cells, link, used_and_head = self._cells_of(slab)
        capacity = self._capacity(sizeclass, slab)
        when_full = capacity | self.metaslab.full << 16
        return cells, link, used_and_head, when_full, capacity - 1, self._bins[sizeclass], self._list_heads[sizeclass]

    def _capacity(self, sizeclass: int, slab: int) -> int:
        """Return the number of objects for which a slab has space."""
        return self.table.capacity(sizeclass, short=slab == slab & self._chunk_mask)

    def _cells_of(self, slab: int) -> tuple[Cells, WordCell, WordCell]:
        """Return a slab's cells. The first call for a slab makes them, which takes 3 µs."""
        cells = self._cells.get(slab)
        if cells is None:
            word = self.metaslab.word(slab)
            first: Cells = self._cell(word + USED, "H"), self._cell(word + HEAD, "H"), slab, self._hot.rare_free
            cells = self._cells[slab] = first, self._cell(word + LINK, "H"), self._cell(word + USED, "I")
        return cells

    # Functions that the closures call in rare cases.

    def _free_unknown(self, address: int) -> FreeFunction | None:
        """Free an object of a slab that the tables do not know. If another owns it, return the function that does."""
        if 0 < address < self._shared.layout.end:
            index = address >> self.config.slab_bits
            self._cover(index)
            if self.pagemap.get(address) == SUPERSLAB:
                owner = self._u64[(address & self._chunk_mask) + OWNER >> 3]
                if owner != self.address:
                    *_, free_remote = self._tables.slabs[index] = self._poison_abroad(address, owner)
                    return free_remote
        self._rare_free(address)
        return None

    def _poison_abroad(self, address: int, owner: int) -> Cells:
        """Return the poison of another allocator's slab, in which an address lies."""
        slab = self.metaslab.slab_of(address)
        sizeclass_byte = self._cell(self.metaslab.word(slab) + SIZECLASS, "B")
        sizeclass = sizeclass_byte[()]
        return self._hot.abroad(
            Foreign(
                kind=self._cell(self.pagemap.entry(address), "B"),
                owner_word=self._cell((address & self._chunk_mask) + OWNER, "Q"),
                owner=owner,
                sizeclass_byte=sizeclass_byte,
                sizeclass=sizeclass,
                size=self.table.sizes[sizeclass],
                last=self._cell(self.cache.last_of(owner), "Q"),
            )
        )

    def _free_message(self, message: int) -> None:
        """Free a message's object: of a full slab, the only one of its slab, or an object of another allocator."""
        tables, index = self._tables, message >> self.config.slab_bits
        sizeclass = tables.classes[index] if index < len(tables.classes) else NONE
        if sizeclass != NONE:
            self.messages.arrived[sizeclass] += 1
            full = self._hot.full
            free = full[3] if tables.slabs[index] is full else self._free
            free(message)
        elif message != self.queue.stub:
            self._handle(message)

    # The lone chunk, which comes and goes with a single object.

    def _take_lone(self, size: int) -> int:
        """Allocate from the lone chunk if that is possible; otherwise, return 0."""
        lone = self._lone
        return lone.take() if lone is not None and size in lone.sizes else NULL

    def _free_lone(self, address: int, inside: bool) -> bool:
        """Free the object with its lone chunk if that is possible; return whether it was."""
        lone = self._lone
        return lone is not None and lone.give_back(address, inside)

    def _rare_free(self, address: int) -> None:
        """Free the object with its lone chunk if that is possible, otherwise with the plain code; in a section."""
        if not self._free_lone(address, True):
            self._free(address)

    def _dealloc_slab(self, slab: int, sizeclass: int) -> None:
        """Give back a slab, and record its superslab if it was given back with the short slab."""
        super()._dealloc_slab(slab, sizeclass)
        chunk = slab & self._chunk_mask
        if slab == chunk and sizeclass <= self.table.short_max_sizeclass and self.pagemap.get(chunk) == NOT_OURS:
            self._went(chunk, sizeclass, NULL)

    def _medium_dealloc(self, slab: int, address: int) -> None:
        """Free a medium object of this allocator, and record its slab if it was given back with the object."""
        sizeclass = self.mediumslab.sizeclass(slab)
        super()._medium_dealloc(slab, address)
        if self.pagemap.get(slab) == NOT_OURS:
            self._went(slab, sizeclass, address)

    def _went(self, chunk: int, sizeclass: int, address: int) -> None:
        """Record a chunk that the plain code has returned. The second time in a row, it becomes the lone chunk.

        Nothing may be read from the chunk, since another allocator may already have it.
        """
        again, self._given_back = self._given_back == (chunk, sizeclass), (chunk, sizeclass)
        if not again or self._shared.decommit is not Decommit.SUPERSLAB:
            self._lone = None
            return
        if self.table.capacity(sizeclass, short=address == NULL) < 2:
            self._lone = None
            return
        self._cover((chunk + self.config.chunk_size) >> self.config.slab_bits)
        make = self._lone_superslab if address == NULL else self._lone_mediumslab
        self._lone = make(chunk, sizeclass, address)

    def _stack_of(self, chunk: int) -> Stack:
        """Return the words of the stack and of a chunk that a pop and a push change."""
        return Stack(
            chunk=chunk,
            top=self._cell(STACKS, "Q"),
            incarnation=self._cell(STACKS + 8, "Q"),
            link=self._cell(chunk + OWNER, "Q"),
            kind=self._cell(self.pagemap.entry(chunk), "B"),
            owner=self.address,
            lock=self._shared.lock,
            counts=self.atomic_counts,
            commitment=self._shared.commitment,
            amount=self.config.chunk_size - self.config.page_size,
        )

    def _sizes_of(self, sizeclass: int) -> range:
        """Return the request sizes that a class serves."""
        return range(self.table.sizes[sizeclass - 1] + 1 if sizeclass else 0, self.table.sizes[sizeclass] + 1)

    def _decommit_chunk(self, chunk: int) -> Callable[[], None]:
        """Return a function that decommits all pages of a chunk except the first."""
        page, size = self.config.page_size, self.config.chunk_size
        return self.memory.space.decommit_again(chunk + page, size - page)

    def _lone_superslab(self, chunk: int, sizeclass: int, _address: int) -> Lone:
        """Return the lone chunk that is a superslab with one object in its short slab."""
        word, node = self.metaslab.word(chunk), chunk + self.metaslab.node_at_end
        first = self.table.first_head(sizeclass, short=True)
        head, size = first + self.table.sizes[sizeclass], self.table.sizes[sizeclass]
        cells, _, _ = self._cells_of(chunk)
        words = LoneSuperslab(
            used=self._cell(chunk + USED_BYTE, "H"),
            next=self._cell(chunk + NEXT, "Q"),
            metadata=self._cell(word, "Q"),
            taken=1 | head << 16 | self.metaslab.node_at_end << 32 | sizeclass << 48,
            slab_used=cells[0],
            head=cells[1],
            list_head=self._list_heads[sizeclass],
            prev=self._cell(node, "q"),
            next_node=self._cell(node + 8, "q"),
            node=node,
            available=self._cell(self.address + AVAILABLE, "Q"),
            only_short=self._cell(self.address + ONLY_SHORT, "Q"),
            cells=cells,
            bin=self._bins[sizeclass],
            object=chunk + first - BUMP_BIT,
            lone_head=head,
            in_first_page=first - BUMP_BIT + size <= self.config.page_size,
        )
        sizes, decommit = self._sizes_of(sizeclass), self._decommit_chunk(chunk)
        return lone_superslab(self._tables, self._stack_of(chunk), words, sizeclass, sizes, decommit, self._hot)

    def _lone_mediumslab(self, chunk: int, sizeclass: int, address: int) -> Lone:
        """Return the lone chunk that is a medium slab with one object."""
        head = self.address + BUCKETS_OFFSET + 16 * self.config.buckets + 8 * sizeclass
        words = LoneMedium(
            free=self._cell(chunk + FREE, "H"),
            head=self._cell(chunk + MEDIUM_HEAD, "B"),
            slots=self.table.capacity(sizeclass),
            next=self._cell(chunk + NEXT, "Q"),
            list_head=self._cell(head, "Q"),
            object=address,
        )
        sizes, decommit = self._sizes_of(sizeclass), self._decommit_chunk(chunk)
        return lone_mediumslab(self._tables, self._stack_of(chunk), words, sizeclass, sizes, decommit, self._hot)

    def _receive(self) -> None:
        """Receive as ``Allocator`` does, and watch the new front."""
        self._hot.receive_now()

    def close(self) -> None:
        """Refuse every further call."""
        super().close()
        self._hot.close()
