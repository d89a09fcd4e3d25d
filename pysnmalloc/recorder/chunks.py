"""Chunks, recorded: page map, superslabs, medium slabs, stacks, and the atomic operations (§2.4 to §2.9).

An atomic operation is made and told under the recording's lock, so that of two on
one word the first is told first.
"""

from __future__ import annotations

from collections.abc import Callable

from ..atomics import Atomics, AtomicsLock, Order
from ..chunklist import KIND, ChunkList, Kind
from ..config import Config, Decommit
from ..events import (
    BumpMoved,
    Change,
    ChunkLinked,
    ChunkReturned,
    ChunkTaken,
    ChunkUnlinked,
    Decommitted,
    Exchanged,
    Linked,
    MediumReturned,
    MediumslabMade,
    MediumTaken,
    PageMapChanged,
    SlabReturned,
    SlabTaken,
    StackEmptied,
    StackPopped,
    StackPushed,
    SuperslabMade,
)
from ..large import Commitment, LargeObjects
from ..mediumslab import Mediumslab
from ..memory import BUMP, Layout, Memory
from ..metaslab import Metaslab
from ..pagemap import PageMap
from ..sizeclass import Sizeclass, sizeclass_table
from ..stack import ChunkStack
from ..superslab import Superslab
from .teller import Teller

__all__ = [
    "RecordingAtomics",
    "RecordingChunkList",
    "RecordingLargeObjects",
    "RecordingMediumslab",
    "RecordingPageMap",
    "RecordingSuperslab",
]

Head = tuple[int, int]  # of a stack: top, incarnation number


class RecordingAtomics(Atomics):
    """Tells of exchanges, links and the bump pointer, in the order in which they happen."""

    __slots__ = ("_allocator_bits", "_teller", "on_success", "tries")

    def __init__(self, memory: Memory, lock: AtomicsLock, config: Config, teller: Teller) -> None:
        super().__init__(memory, lock)
        self._allocator_bits = config.allocator_bits
        self._teller = teller
        self.on_success: Callable[[Head, Head], None] | None = None
        self.tries = 0

    def exchange(self, address: int, value: int, order: Order) -> int:
        """Exchange a queue's back, and tell."""
        with self._teller.recording.lock:
            before = super().exchange(address, value, order)
            self._teller.tell(Exchanged, queue=address >> self._allocator_bits, back=Change(before, value))
        return before

    def store(self, address: int, value: int, order: Order) -> None:
        """Store a word; one with release order is a queue's link, which is told."""
        if order is not Order.RELEASE:
            super().store(address, value, order)
            return
        with self._teller.recording.lock:
            before = self._u64[address >> 3]
            super().store(address, value, order)
            self._teller.tell(Linked, message=address, next=Change(before, value))

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:
        """Compare and exchange a word, and tell when the bump pointer moved."""
        with self._teller.recording.lock:
            done, before = super().compare_exchange(address, expected, desired, order)
            if done and address == BUMP:
                self._teller.tell(BumpMoved, bump=Change(before, desired))
        return done, before

    def compare_exchange_2(self, address: int, expected: Head, desired: Head, order: Order) -> tuple[bool, Head]:
        """Compare and exchange a stack's head; the stack says what is told of a success."""
        with self._teller.recording.lock:
            self.tries += 1
            done, before = super().compare_exchange_2(address, expected, desired, order)
            if done and self.on_success is not None:
                self.on_success(before, desired)
        return done, before


class RecordingStack(ChunkStack):
    """Tells of every block pushed and popped."""

    __slots__ = ("_name", "_recorded", "_teller")

    def __init__(self, memory: Memory, atomics: RecordingAtomics, head: int, name: str, teller: Teller) -> None:
        super().__init__(memory, atomics, head)
        self._recorded = atomics
        self._name = name
        self._teller = teller

    def push(self, chunk: int) -> None:
        """Put a block on top, and tell."""

        def pushed(before: Head, after: Head) -> None:
            self._tell(StackPushed, chunk, before, after)

        self._watched(pushed)
        super().push(chunk)

    def pop(self) -> int:
        """Take the block on top, and tell."""

        def popped(before: Head, after: Head) -> None:
            self._tell(StackPopped, before[0], before, after)

        self._watched(popped)
        return super().pop()

    def pop_all(self) -> list[int]:
        """Take all blocks, and tell."""

        def emptied(before: Head, after: Head) -> None:
            self._teller.tell(
                StackEmptied,
                chunks=tuple(self._chain(before[0])),
                stack=self._name,
                top=Change(before[0], after[0]),
                incarnation=Change(before[1], after[1]),
            )

        self._watched(emptied)
        return super().pop_all()

    def _watched(self, on_success: Callable[[Head, Head], None]) -> None:
        """Say what is to be told when the compare-exchange succeeds."""
        self._recorded.tries = 0
        self._recorded.on_success = on_success

    def _tell(self, kind: type[StackPushed] | type[StackPopped], chunk: int, before: Head, after: Head) -> None:
        """Tell of a push or a pop."""
        self._teller.tell(
            kind,
            chunk=chunk,
            stack=self._name,
            top=Change(before[0], after[0]),
            incarnation=Change(before[1], after[1]),
            tries=self._recorded.tries,
        )


class RecordingLargeObjects(LargeObjects):
    """Tells of blocks taken and returned, and of pages given back."""

    def __init__(
        self,
        memory: Memory,
        atomics: RecordingAtomics,
        config: Config,
        layout: Layout,
        decommit: Decommit,
        commitment: Commitment,
        teller: Teller,
    ) -> None:
        super().__init__(memory, atomics, config, layout, decommit, commitment)
        self._teller = teller
        self._never_had = False

        def recorded(stacks: tuple[ChunkStack, ...], what: str) -> tuple[ChunkStack, ...]:
            return tuple(
                RecordingStack(memory, atomics, stack._head, f"{what} blocks of {1 << n} chunks", teller)
                for n, stack in enumerate(stacks)
            )

        self.stacks, self.skipped = recorded(self.stacks, "free"), recorded(self.skipped, "skipped")

    def _take(self, large_class: int) -> tuple[int, int]:
        """Take a block, and tell whether anybody had it before."""
        self._never_had = False
        block, kept = super()._take(large_class)
        self._teller.tell(ChunkTaken, block=block, chunks=1 << large_class, fresh=self._never_had)
        return block, kept

    def _fresh(self, large_class: int) -> tuple[int, int]:
        """Take a block that nobody had."""
        self._never_had = True
        return super()._fresh(large_class)

    def _push(self, block: int, large_class: int) -> None:
        """Put a free block on its stack, and tell."""
        super()._push(block, large_class)
        self._teller.tell(ChunkReturned, block=block, chunks=1 << large_class)

    def _decommit(self, start: int, length: int) -> None:
        """Give pages back, and tell."""
        super()._decommit(start, length)
        self._teller.tell(Decommitted, start=start, length=length)


class RecordingPageMap(PageMap):
    """Tells of every byte that changes."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, layout: Layout, teller: Teller) -> None:
        super().__init__(memory, config, layout)
        self._teller = teller

    def set(self, chunk: int, kind: int) -> None:
        """Say what a chunk is now, and tell."""
        self._recorded(chunk, 1, lambda: super(RecordingPageMap, self).set(chunk, kind))

    def set_large(self, chunk: int, size_bits: int) -> None:
        """Enter a large object, and tell."""
        chunks = 1 << (size_bits - self._chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).set_large(chunk, size_bits))

    def clear_large(self, chunk: int, size_bits: int) -> None:
        """Take a large object out, and tell."""
        chunks = 1 << (size_bits - self._chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).clear_large(chunk, size_bits))

    def _recorded(self, chunk: int, chunks: int, change: Callable[[], None]) -> None:
        """Make a change of some chunks' bytes, and tell."""
        entry = self.entry(chunk)
        before = tuple(self._u8[at] for at in range(entry, entry + chunks))
        change()
        after = tuple(self._u8[at] for at in range(entry, entry + chunks))
        self._teller.tell(PageMapChanged, chunk=chunk, entry=entry, before=before, after=after)


class RecordingSuperslab(Superslab):
    """Tells of superslabs made, and of slabs taken and returned."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, metaslab: Metaslab, teller: Teller) -> None:
        super().__init__(memory, config, metaslab)
        self._teller = teller

    def init(self, superslab: int, owner: int) -> None:
        """Make a chunk a superslab, and tell."""
        kept = self._u64[superslab + KIND >> 3] == Kind.SUPER
        super().init(superslab, owner)
        self._teller.tell(SuperslabMade, superslab=superslab, kept=kept)

    def alloc_short_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take the short slab or another, and tell; ``alloc_slab`` tells of the other."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_short_slab(superslab, sizeclass)
        if slab == superslab:
            self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def alloc_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take a full-length slab, and tell."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_slab(superslab, sizeclass)
        self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def dealloc_slab(self, superslab: int, slab: int) -> None:
        """Take back a slab, and tell."""
        used, head = self.used(superslab), self.head(superslab)
        super().dealloc_slab(superslab, slab)
        self._teller.tell(
            SlabReturned,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._config.slab_bits,
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )

    def _tell_taken(self, slab: int, superslab: int, sizeclass: Sizeclass, used: int, head: int) -> None:
        """Tell of a slab that came into use."""
        self._teller.tell(
            SlabTaken,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._config.slab_bits,
            sizeclass=sizeclass,
            size=self._table.sizes[sizeclass],
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )


class RecordingMediumslab(Mediumslab):
    """Tells of medium slabs made, and of their objects."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, teller: Teller) -> None:
        super().__init__(memory, config)
        self._teller = teller

    def init(self, slab: int, owner: int, sizeclass: Sizeclass) -> None:
        """Make a chunk a medium slab, and tell."""
        kept = self._u64[slab + KIND >> 3] == Kind.MEDIUM and self.sizeclass(slab) == sizeclass
        super().init(slab, owner, sizeclass)
        table = sizeclass_table(self._config)
        self._teller.tell(
            MediumslabMade,
            slab=slab,
            sizeclass=sizeclass,
            size=table.sizes[sizeclass],
            objects=table.capacity(sizeclass),
            kept=kept,
        )

    def alloc(self, slab: int) -> int:
        """Take the object on top of the stack, and tell."""
        head, free = self.head(slab), self.free(slab)
        taken = super().alloc(slab)
        self._teller.tell(
            MediumTaken,
            object=taken,
            slab=slab,
            size=self._table.sizes[self.sizeclass(slab)],
            head=Change(head, self.head(slab)),
            free=Change(free, self.free(slab)),
        )
        return taken

    def dealloc(self, slab: int, freed: int) -> bool:
        """Push an object back, and tell."""
        head, free = self.head(slab), self.free(slab)
        was_full = super().dealloc(slab, freed)
        self._teller.tell(
            MediumReturned,
            object=freed,
            slab=slab,
            head=Change(head, self.head(slab)),
            free=Change(free, self.free(slab)),
        )
        return was_full


class RecordingChunkList(ChunkList):
    """Tells of every chunk that comes and goes."""

    __slots__ = ("_name", "_teller")

    def __init__(self, memory: Memory, head: int, name: str, teller: Teller) -> None:
        super().__init__(memory, head)
        self._name = name
        self._teller = teller

    def insert(self, chunk: int) -> None:
        """Put a chunk at the front, and tell."""
        before = self.first()
        super().insert(chunk)
        self._teller.tell(ChunkLinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))

    def remove(self, chunk: int) -> None:
        """Take a chunk out, and tell."""
        before = self.first()
        super().remove(chunk)
        self._teller.tell(ChunkUnlinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))
