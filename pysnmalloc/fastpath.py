"""The hot path in one place: malloc and free as closures over cells of the heap (§2.1, §2.8).

    malloc                                      free
      inbox?          ─► slow: receive            inbox?               ─► slow: receive
      used, head, base = bins[size]               used, head, base = slabs[p >> slab_bits]
      head odd?       ─► bump, or new slab        used < 2?            ─► slow: alien, full, last
      p = base + head                             p.link = head
      p.link = -1?    ─► slow: slab gets full     head = p - base
      head = p.link, used += 1                    used -= 1

The steps of ``freelist``, on the same bytes; a test compares them. They are fast
because nothing is computed that can be kept, and nothing is checked twice:

* A cell is a view of one word, with no dimensions: ``head[()]`` reads 16 bits of
  the heap without an index. Tables find a slab's cells, by size and by address.
  They are derived: plain code that may change what is first, full or ours calls
  ``_changed`` or ``_parted``, which look at the heap again.
* Poison instead of checks: what the fast path must not touch has cells with head
  1 (like bump space) and used 0 (like the last object), so the one comparison
  needed anyway sends it to the plain code, which asks page map and owner.
* ``inbox`` is front.next as a C integer; its truth value tests 8 bytes.
* Every object used here is made by the thread that uses it, since sharing one
  costs three times as much on free-threaded Python: hence closures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from .allocator import Allocator
from .atomics import Order
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
Owned = tuple[Cells, "memoryview[int]", "memoryview[int]", int, "memoryview[int]", "memoryview[int]", Bin]
# of a slab in use: its cells, together and one by one; the cells of link and list head; its class's bin

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
            memoryview(b"\1\0").cast("H", shape=[]),
            NULL,
        )
        self._no_slab = poison
        self._cells: dict[int, Cells] = {}
        # By size class: the cells of the first slab with space.
        self._bins: list[Bin] = [list(poison) for _ in range(config.num_small)]
        # By slab number: its cells, poison where it is not ours or full.
        self._slabs = [poison]
        # By slab number: all about it, None where it is not ours; its size class.
        self._owned: dict[int, Owned | None] = {}
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
        index, bin = slab >> self.config.slab_bits, self._bins[sizeclass]
        cells = self._cells_of(slab)
        self._cover(index)
        self._slabs[index] = self._no_slab if self.metaslab.is_full(cells[1][()]) else cells
        owned = self._owned.get(index)
        if owned is None or owned[-1] is not bin:
            link = self._cell(self.metaslab.word(slab) + LINK, "H")
            self._owned[index] = (cells, *cells, link, self._list_heads[sizeclass], bin)
            self._classes[index] = sizeclass

    def _parted(self, sizeclass: int, slab: int) -> None:
        """Poison a slab's entries; its bytes are not looked at."""
        self._look_at_first(sizeclass)
        index = slab >> self.config.slab_bits
        self._cover(index)
        self._slabs[index], self._owned[index] = self._no_slab, None

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
        u16, u64, slab_bits = self.memory.u16, self.memory.u64, self.config.slab_bits
        slabs, owned = self._slabs, self._owned
        (bins, rounded), slab_size = self._size_tables(), self.config.slab_size
        take_last, put_back = self._build_take_last(), self._build_put_back()
        free_remote = self._build_free_remote()
        receive_batch, free_messages = self._build_receive_batch(), self._build_free_messages(put_back)
        plain_malloc, plain_free, end = self._malloc, self._free, self._shared.layout.end
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
                if base and (behind := offset + rounded[size]) < slab_size:
                    head[()] = behind
                    used[()] += 1
                    bumped: int = base + offset - 1
                    return bumped
                return plain_malloc(size)  # there is no slab, or this one gets full
            taken: int = base + offset
            link = u16[taken >> 1]
            if link == 0xFFFF:  # -1, the end mark
                return take_last(taken)
            head[()] = link
            used[()] += 1
            return taken

        def free(address: int) -> None:
            if inbox:
                receive()
            try:
                used, head, base = slabs[address >> 16]  # 16: slab_bits
                count = used[()]
                if count > 1:
                    link = head[()]
                    head[()] = address - base  # a ValueError where a negative address found a slab
                    u16[address >> 1] = link
                    used[()] = count - 1
                    return None
            except (IndexError, ValueError):
                return free_beyond(address)
            try:
                about = owned[address >> slab_bits]
            except KeyError:
                about = owned[address >> slab_bits] = None
            if about is not None:
                if not put_back(about, address):
                    plain_free(address)
            elif not free_remote(address):
                plain_free(address)
            return None

        def free_beyond(address: int) -> None:
            """Free where the list does not reach; next time it will, if there can be objects at all."""
            if 0 < address < end:
                self._cover(address >> slab_bits)
            if not free_remote(address):
                plain_free(address)

        def receive() -> None:
            """Receive as ``Allocator.receive`` does, and watch the new front."""
            nonlocal inbox
            self._demand_open()
            batch = receive_batch()
            inbox = self._watch(u64[front])
            free_messages(batch)

        def close() -> None:
            """Make even those who kept ``malloc`` and ``free`` come to ``receive``, which refuses."""
            nonlocal inbox
            inbox = True

        # A constant is faster than a variable. It is right for PAPER, and for others replaced.
        free.__code__ = free.__code__.replace(co_consts=_replaced(free.__code__.co_consts, 16, slab_bits))
        self.malloc, self.free, self._receive, self._close = malloc, free, receive, close

    def _size_tables(self) -> tuple[tuple[Bin, ...], list[int]]:
        """Return bins by size, and object sizes by size, of sizes that are asked for often."""
        sizeclasses = [size_to_sizeclass(size) for size in range(min(FAST_SIZES, self.config.slab_size) + 1)]
        bins = tuple(self._bins[sizeclass] for sizeclass in sizeclasses)
        return bins, [self.table.sizes[sizeclass] for sizeclass in sizeclasses]

    def _build_take_last(self) -> Callable[[int], int]:
        """Build ``take_last``: allocate the last free object of a first slab, which is its list node.

        The steps of ``Slab.alloc`` and ``SlabList.pop_front`` where a slab becomes full.
        """
        slabs, owned, slab_bits = self._slabs, self._owned, self.config.slab_bits
        i64 = self.memory.u8.cast("q")  # signed: all ones, which end a list, are a small number, -1
        poison, full = self._no_slab, self.metaslab.full

        def take_last(taken: int) -> int:
            slab = taken >> slab_bits
            _, used, head, _, _, list_head, bin = owned[slab]  # type: ignore[misc]  # ours: it is in a bin
            used[()] += 1
            head[()] = full
            after = i64[(taken >> 3) + 1]
            list_head[()] = after
            if after < 0:
                bin[0], bin[1], bin[2] = poison
            else:
                i64[after >> 3] = -1
                bin[0], bin[1], bin[2] = slabs[after >> slab_bits]
            slabs[slab] = poison
            return taken

        return take_last

    def _build_put_back(self) -> Callable[[Owned, int], bool]:
        """Build ``put_back``: free an object of an own full slab, or return False and do nothing.

        The steps of ``Slab.dealloc`` and ``SlabList.insert`` where a full slab gets its first object back.
        """
        i64, slabs, slab_bits = self.memory.u8.cast("q"), self._slabs, self.config.slab_bits

        def put_back(about: Owned, address: int) -> bool:
            cells, used, head, base, link, list_head, bin = about
            count = used[()]
            if count < 2:
                return False  # its last object: the slab goes back to the superslab
            # Ours, with objects, and the tables do not let `free` touch it: so it is full.
            used[()] = count - 1
            offset = address - base
            head[()] = offset
            link[()] = offset
            first = list_head[()]
            node = address >> 3
            i64[node] = -1
            i64[node + 1] = first
            if first >= 0:
                i64[first >> 3] = address
            list_head[()] = address
            bin[0], bin[1], bin[2] = cells
            slabs[base >> slab_bits] = cells
            return True

        return put_back

    def _build_free_remote(self) -> Callable[[int], bool]:
        """Build ``free_remote``: free another's small object, or return False and do nothing.

        The steps of ``Allocator._remote_dealloc`` and ``RemoteCache.dealloc``.
        """
        u64, departed, sizes = self.memory.u64, self.messages.departed, list(self.table.sizes)
        me, slab_bits, superslab, end = self.address, self.config.slab_bits, SUPERSLAB, self._shared.layout.end
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache
        abroad: dict[int, tuple[memoryview[int], memoryview[int], memoryview[int]]] = {}  # by slab number
        last_of: dict[int, memoryview[int]] = {}  # by owner: the cell of its bucket's last message

        def free_remote(address: int) -> bool:
            try:
                kind, owner_word, sizeclass_byte = abroad[address >> slab_bits]
            except KeyError:
                if not 0 < address < end:
                    return False
                cells = self._abroad(address)
                kind, owner_word, sizeclass_byte = abroad[address >> slab_bits] = cells
            owner = owner_word[()]
            if kind[()] != superslab or owner == me:
                return False
            sizeclass = sizeclass_byte[()]
            departed[sizeclass] += 1
            try:
                last = last_of[owner]
            except KeyError:
                last = last_of[owner] = self._cell(self.cache.last_of(owner), "Q")
            u64[(address >> 3) + 1] = owner
            u64[last[()] >> 3] = address
            last[()] = address
            total = cached[()] + sizes[sizeclass]
            cached[()] = total
            if total >= limit:
                self.post()
            return True

        return free_remote

    def _abroad(self, address: int) -> tuple[memoryview[int], memoryview[int], memoryview[int]]:
        """Return the cells that tell about an object of another: its chunk's kind and owner, its size class."""
        chunk = address & self._chunk_mask
        sizeclass = self.metaslab.word(self.metaslab.slab_of(address)) + SIZECLASS
        return (
            self._cell(self.pagemap.entry(address), "B"),
            self._cell(chunk + OWNER, "Q"),
            self._cell(sizeclass, "B"),
        )

    def _build_receive_batch(self) -> Callable[[], list[int]]:
        """Build ``receive_batch``: the steps of ``MessageQueue.dequeue_batch``."""
        u64, front_word, most = self.memory.u64, self.address + FRONT >> 3, self.config.remote_batch
        counts, fence = self.atomic_counts, self.atomics.fence

        def receive_batch() -> list[int]:
            front = u64[front_word]
            batch: list[int] = []
            after = u64[front >> 3]
            while after and len(batch) < most:
                batch.append(front)
                front = after
                after = u64[front >> 3]
            counts.loads += len(batch) + (len(batch) < most)
            if batch:
                u64[front_word] = front
                fence(Order.ACQUIRE)
            return batch

        return receive_batch

    def _build_free_messages(self, put_back: Callable[[Owned, int], bool]) -> Callable[[list[int]], None]:
        """Build ``free_messages``: free small objects of ours as ``free`` does, leave the rest to the plain code."""
        u16, slabs, owned, slab_bits = self.memory.u16, self._slabs, self._owned, self.config.slab_bits
        classes, arrived, stub, handle = self._classes, self.messages.arrived, self.queue.stub, self._handle
        cached, limit = self._cell(self.address + CACHED, "Q"), self.config.remote_cache

        def free_messages(batch: list[int]) -> None:
            self._cover(max(batch, default=0) >> slab_bits)
            for message in batch:
                slab = message >> slab_bits
                used, head, base = slabs[slab]
                count = used[()]
                if count > 1:
                    u16[message >> 1] = head[()]
                    head[()] = message - base
                    used[()] = count - 1
                    arrived[classes[slab]] += 1
                    continue
                about = owned.get(slab)  # only slabs of ours have one, so their messages have come home
                if about is not None and put_back(about, message):
                    arrived[classes[slab]] += 1
                elif message != stub:
                    handle(message)
            if cached[()] >= limit:
                self.post()

        return free_messages

    def receive(self) -> None:
        """Receive as ``Allocator.receive`` does."""
        self._receive()

    def close(self) -> None:
        """Refuse every further call."""
        super().close()
        self._close()


def _replaced(constants: tuple[object, ...], old: int, new: int) -> tuple[object, ...]:
    """Put one constant of a function's code in the place of another."""
    return tuple(new if constant == old and type(constant) is int else constant for constant in constants)
