"""Checked mode, for labs: finding and explaining misuse of §2.8's objects (``Heap(checked=True)``).

    record          live:  address ─► the request, and its allocator
    (not part of    freed: address ─► the same; the bytes after the first 16 hold a pattern
    the paper)

    free(p):    not live ─► DoubleFree, or InvalidPointer: inside an object, or foreign
    malloc:     a reused object whose pattern was changed ─► WriteAfterFree
    check():    the same test, for every free object
    close():    an object is still live ─► LeakError

The record is separate from the heap and never asks the allocator what is free. The
first 16 bytes of a free object belong to the allocator: link, list node or message.
A write into the link is found when the list is used, or by the laws.

Left out: reads after free, and writes past an object's end, which a view of the
object does not allow. When a slab goes back to its superslab, or a chunk to its
stack, its former objects are forgotten, since their bytes may be used for anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import TypeVar

from ..allocator import Allocator, Shared, demand_product, demand_size, undone
from ..config import Decommit
from ..errors import DoubleFree, InvalidPointer, LeakError, WriteAfterFree, WrongThread, integer
from ..interruption import uninterrupted
from ..memory import NULL
from ..metaslab import BUMP_BIT
from ..pagemap import MEDIUM, SUPERSLAB, PageMap
from ..sizeclass import size_to_sizeclass, sizeclass_table

__all__ = ["CheckRecord", "CheckedAllocator"]

T = TypeVar("T")
PATTERN = 0xDD
END_MARK = 0xFFFF
ALLOCATORS_OWN = 16  # bytes at a free object's start: link, list node, or message


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about an object.

    Attributes:
        asked: bytes requested.
        size: bytes allocated.
        owner: number of the allocator that allocated it.
        sizeclass: its size class, or None for a large object.
        offset: where it begins in its slab, medium slab or chunk.
        place: which of these contains it.
    """

    asked: int
    size: int
    owner: int
    sizeclass: int | None
    offset: int
    place: str

    def __str__(self) -> str:
        kind = "a large object" if self.sizeclass is None else f"size class {self.sizeclass} ({self.size} bytes)"
        owner = f"owner allocator {self.owner}"
        return f"{self.asked} bytes requested, {kind}, {owner}, offset {self.offset:#x} in its {self.place}"


class CheckRecord:
    """The record of one heap. Any thread may call any method.

    Attributes:
        lock: held while the dicts change, so that a fork finds no thread in them, and each object in one of them.
    """

    def __init__(self, shared: Shared) -> None:
        self.lock = threading.RLock()
        self._shared = shared
        self._table = sizeclass_table(shared.config)
        self._memory = shared.memory
        self._u16 = shared.memory.u16
        self._pagemap = PageMap(shared.memory, shared.config, shared.layout)
        self.live: dict[int, Record] = {}
        self.freed: dict[int, Record] = {}
        self.former: dict[int, Record] = {}  # free objects whose slab or chunk has been given back
        self.links: dict[int, int] = {}  # objects pushed onto a free list, and the links stored in them

    def allocated(self, address: int, asked: int, owner: int) -> None:
        """Record a new object. If it was free before, it must not have been written since.

        Raises:
            WriteAfterFree: if it was written. The object is not handed out again.
        """
        record = self._record_of(address, asked, owner)
        with self.lock:
            self.former.pop(address, None)
            before = self.freed.pop(address, None)
            if before is not None:
                self._demand_untouched(address, before, "found when malloc reused it")
            self.live[address] = record

    def _record_of(self, address: int, asked: int, owner: int) -> Record:
        """Return the record of a new object."""
        config, sizeclass = self._shared.config, size_to_sizeclass(asked)
        if sizeclass >= config.num_sizeclasses:
            size = 1 << max((asked - 1).bit_length(), config.chunk_bits)
            return Record(asked, size, owner, None, address % config.chunk_size, "chunk")
        size = self._table.sizes[sizeclass]
        if sizeclass >= config.num_small:
            return Record(asked, size, owner, sizeclass, address % config.chunk_size, "medium slab")
        return Record(asked, size, owner, sizeclass, address % config.slab_size, "slab")

    def resized(self, address: int, asked: int) -> None:
        """Record that an object was reallocated in place."""
        with self.lock:
            self.live[address] = replace(self.live[address], asked=asked)

    def leaving(self, address: int, call: str) -> None:
        """Mark an object that is about to be freed, and fill it with the pattern.

        Raises:
            DoubleFree, InvalidPointer: if no live object starts at the address.
        """
        with self.lock:
            record = self.live.pop(address, None)
            if record is None:
                raise self.diagnose(address, call)
            self.freed[address] = record
            if record.sizeclass is not None:
                view = self._memory.range(address + ALLOCATORS_OWN, address + record.size)
                view[:] = bytes([PATTERN]) * len(view)

    def demand_live(self, address: int, call: str) -> None:
        """Raise if no live object starts at the address."""
        if address not in self.live:
            raise self.diagnose(address, call)

    def diagnose(self, address: int, call: str) -> InvalidPointer:
        """Return the error that explains an address at which no live object starts."""
        if address in self.freed:
            return DoubleFree(
                f"{call}({address:#x}): this object is already free: {self.freed[address]}; free each object once "
                "and then drop its address (§2.8: a second free would overwrite its link)"
            )
        kind = self._pagemap.get(address)
        with self.lock:
            around = next(((a, r) for a, r in self.live.copy().items() if a < address < a + r.size), None)
        if around is not None:
            start, record = around
            return InvalidPointer(
                f"{call}({address:#x}): the address is {address - start} bytes inside the object at {start:#x}: "
                f"{record}; pass the object's start, see Heap.object_start (§2.4)"
            )
        if address in self.former:
            return DoubleFree(
                f"{call}({address:#x}): this object is already free, and its slab or chunk has been given back: "
                f"{self.former[address]}; free each object once and then drop its address (§2.8)"
            )
        where = {SUPERSLAB: "in a superslab", MEDIUM: "in a medium slab"}.get(kind, "not in a chunk of this heap")
        return InvalidPointer(
            f"{call}({address:#x}): no object was ever allocated there; the page map says {kind}, {where} (§2.4); "
            "pass an address that malloc of this heap returned"
        )

    def forget(self, first: int, end: int, size: int) -> None:
        """Forget the former objects of a slab or chunk that became free."""
        with self.lock:
            for address in range(first, end, size):
                record = self.freed.pop(address, None)
                if record is not None:
                    self.former[address] = record
                self.links.pop(address, None)

    def linked(self, address: int, link: int) -> None:
        """Remember the link stored in an object that was pushed onto a free list."""
        with self.lock:
            self.links[address] = link

    def unlinked(self, address: int) -> None:
        """Forget the link of an object that is taken from a free list."""
        with self.lock:
            self.links.pop(address, None)

    def check_free_objects(self, lost: Container[int] = ()) -> None:
        """Raise ``WriteAfterFree`` for the first free object whose bytes were changed.

        Objects of lost allocators are left out, whose pages may have been half given back when the fork came.
        """
        with self.lock:
            freed, links = sorted(self.freed.copy().items()), self.links.copy()
        for address, record in freed:
            if record.owner not in lost:
                self.demand_link(address, links.get(address), "found by check()")
                self._demand_untouched(address, record, "found by check()")

    def demand_link(self, address: int, link: int | None, when: str) -> None:
        """Raise ``WriteAfterFree`` if an object on a free list no longer holds the link stored in it."""
        found = self._u16[address >> 1]
        if link is not None and found != link:
            raise WriteAfterFree(
                f"object {address:#x} was written after it was freed, {when}: {self.freed.get(address)}; bytes 0 and 1 "
                f"are {found:#06x}, not its link in the free list, {link:#06x} (§2.8: a free object's memory belongs "
                "to the allocator); do not use an object's address after freeing it"
            )

    def report_leaks(self) -> None:
        """Raise ``LeakError`` if objects are live."""
        if not self.live:
            return
        with self.lock:
            leaks = sorted(self.live.copy().items())
        lines = [f"  {address:#x}: {record}" for address, record in leaks[:10]]
        if len(leaks) > 10:
            lines.append(f"  and {len(leaks) - 10} more")
        total = sum(record.asked for _, record in leaks)
        many = len(leaks) > 1
        raise LeakError(
            f"{len(leaks)} object{'s' if many else ''} of {total:,} bytes {'were' if many else 'was'} live when the "
            "heap was closed; free every object first (§2.1):\n" + "\n".join(lines),
            tuple((address, record.asked) for address, record in leaks),
        )

    def _demand_untouched(self, address: int, record: Record, when: str) -> None:
        """Compare a free object's bytes with the pattern. Pages that were given back read as zero."""
        if record.sizeclass is None:
            return
        view = self._memory.range(address + ALLOCATORS_OWN, address + record.size)
        given_back = self._shared.decommit is Decommit.SLAB and PATTERN not in view
        fill = 0 if given_back else PATTERN
        if view == bytes([fill]) * len(view):
            return
        offset = next(i for i, byte in enumerate(view) if byte != fill)
        raise WriteAfterFree(
            f"object {address:#x} was written after it was freed, {when}: {record}; byte {offset + ALLOCATORS_OWN} "
            f"is {view[offset]:#04x}, but free left {fill:#04x} there; do not use an object's address after "
            "freeing it (§2.8: a free object's memory belongs to the allocator)"
        )


class CheckedAllocator(Allocator):
    """An allocator that checks every call, and runs the plain code."""

    def __init__(self, number: int, shared: Shared, record: CheckRecord) -> None:
        self._record = record
        self._inside = threading.Lock()
        self._pushed = NULL  # the object being freed
        super().__init__(number, shared)

    def _install(self) -> None:
        """Install the checking versions of ``malloc`` and ``free``."""
        self.malloc, self.free = self.checked_malloc, self.checked_free

    def _alone(self, call: str, work: Callable[[int], T], argument: int) -> T:
        """Do the work of a call. Raise if another thread is in the middle of a call on this allocator."""
        self._demand_open()
        if not self._inside.acquire(blocking=False):
            raise WrongThread(
                f"{call}: {self!r} is in the middle of another call; only one thread at a time may use an allocator "
                "(§2.1); use heap.malloc and heap.free, or acquire one for each thread"
            )
        try:
            return work(argument)
        finally:
            self._inside.release()

    def checked_malloc(self, size: int) -> int:
        """Call ``plain_malloc``, and record the object."""
        size = demand_size(size)
        work: Callable[..., int] = self._alone
        return self._run("malloc", self._unmake, work, f"malloc({size})", self._record_malloc, size)

    def checked_free(self, address: int) -> None:
        """Call ``plain_free`` for an object that the record lists as live, and raise for any other address."""
        address = integer(address, "free", "address")
        if not self.section.keep(self.free, address):
            self._run("free", None, self._alone, f"free({address:#x})", self._record_free, address)

    def _record_malloc(self, size: int) -> int:
        """Allocate and record an object, inside a section."""
        self._handle_message_queue()
        address = self._malloc(size)
        self._record.allocated(address, size, self.number)
        return address

    def _record_free(self, address: int) -> None:
        """Free an object that the record lists as live, inside a section."""
        if address != NULL:
            self._record.leaving(address, "free")
        self._handle_message_queue()
        self._free(address)

    def _unmake(self, address: int) -> None:
        """Free an object whose address its caller will never see."""
        self._record.leaving(address, "free")
        self._free(address)

    def calloc(self, count: int, size: int) -> int:
        """As ``Allocator.calloc``, but zero every byte by hand."""
        return self._zeroed(demand_product(count, size))

    @uninterrupted
    def realloc(self, address: int, size: int) -> int:
        """As ``Allocator.realloc``, for live objects only."""
        self._demand_usable("realloc")
        address, size = integer(address, "realloc", "address"), integer(size, "realloc", "size")
        if address != NULL:
            self._record.demand_live(address, "realloc")
        moved = super().realloc(address, size)
        if moved == address != NULL:
            self._record.resized(address, size)
        return moved

    def usable_size(self, address: int) -> int:
        """As ``Allocator.usable_size``, for live objects only."""
        self._demand_usable("usable_size")
        address = integer(address, "usable_size", "address")
        self._record.demand_live(address, "usable_size")
        return super().usable_size(address)

    @undone
    def aligned_alloc(self, alignment: int, size: int) -> int:
        """As ``Allocator.aligned_alloc``, but record the requested size, not the rounded one."""
        address = super().aligned_alloc(alignment, size)
        self._record.resized(address, size)
        return address

    def _small_alloc(self, sizeclass: int) -> int:
        """Check the link of the free object that comes next, since the list continues there; then allocate."""
        slab = self.small_classes[sizeclass].first()
        if slab != NULL and (fields := self.metaslab.fields(slab)).head & BUMP_BIT == 0:
            taken = slab + fields.head
            # The node of the list's first slab begins with `prev`, which is the end mark.
            link = END_MARK if fields.head == fields.link else self._record.links.get(taken)
            self._record.demand_link(taken, link, "found when malloc was about to reuse it")
            self._record.unlinked(taken)
        return super()._small_alloc(sizeclass)

    def _small_dealloc(self, address: int) -> None:
        """Free one of the allocator's own small objects. ``_changed`` sees it if its slab stays in use."""
        self._pushed = address
        super()._small_dealloc(address)
        self._pushed = NULL

    def _changed(self, sizeclass: int, slab: int) -> None:  # noqa: ARG002
        """Remember the link stored in an object that was just freed, unless the object holds the list node."""
        fields = self.metaslab.fields(slab)
        if slab + fields.head == self._pushed and fields.link != fields.head:
            self._record.linked(self._pushed, self.memory.u16[self._pushed >> 1])

    def _dealloc_slab(self, slab: int, sizeclass: int) -> None:
        """Forget the slab's objects, then give the slab back."""
        first = self.table.first_head(sizeclass, short=slab & self._chunk_mask == slab) - BUMP_BIT
        self._record.forget(slab + first, slab + self.config.slab_size, self.table.sizes[sizeclass])
        super()._dealloc_slab(slab, sizeclass)

    def _return_chunk(self, chunk: int) -> None:
        """Forget a medium slab's objects, then give the chunk back."""
        if self.pagemap.get(chunk) == MEDIUM:
            size = self.table.sizes[self.mediumslab.sizeclass(chunk)]
            slots = self.table.capacity(self.mediumslab.sizeclass(chunk))
            end = chunk + self.config.chunk_size
            self._record.forget(end - slots * size, end, size)
        super()._return_chunk(chunk)
