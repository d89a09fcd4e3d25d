"""What the real snmalloc did: a typed reader of tests/data, and of the same state in a heap's bytes.

    # allocators 57345 57346          numbers
    m 0 100 7 3 1f40                  calls: allocator 0 got object 7 for 100 bytes, at chunk 3 + 0x1f40
    f 1 7                             allocator 1 frees object 7
    s, d, k, t ...                    the state that is left

The law: whoever replays the calls returns the same addresses, up to the names
of chunks, and ends in the same state. Chunks are named 0, 1, 2, ... in order of
first appearance, because where the system puts them is no part of the design.

``read_chunk`` finds that state in a heap by the paper's offsets (§2.7, §2.8)
and by nothing else: a library that errs in both a field and its accessor is
caught. A superslab's header:

    0 owner | 8 kind | 64 next | 72 prev | 80 head | 82 used | 88 slab 0 | 96 slab 1 | ...
    one slab's word, from the low bits: used 16, head 16, link 16, size class 8, next 8

and a medium slab's: 0 owner | 8 kind | 64 next | 72 prev | 80 free | 82 head | 83 size class.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import ItemsView
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the model reads this module, and must not depend on what it judges
    from pysnmalloc import Heap

DATA = Path(__file__).parent / "data"
TRACES = sorted(path.name for path in DATA.glob("*.trace.gz"))

NOT_OURS = 0
SUPERSLAB = 1
MEDIUM = 2


class Malloc(NamedTuple):
    """An allocation, and the address that it returned."""

    allocator: int
    size: int
    object: int
    chunk: int
    offset: int


class Free(NamedTuple):
    """A free, by any allocator."""

    allocator: int
    object: int


class SlabState(NamedTuple):
    """A slab's metadata. Head and link are masked to the slab's bits, as they are whenever they are read."""

    used: int
    head: int
    link: int
    sizeclass: int


class SuperslabState(NamedTuple):
    """A superslab; ``owner`` is an allocator's number, ``slabs`` has the slabs in use by index."""

    owner: int
    used: int
    head: int
    slabs: dict[int, SlabState]


class MediumState(NamedTuple):
    """A medium slab; ``owner`` is an allocator's number."""

    owner: int
    free: int
    head: int
    sizeclass: int


class OtherState(NamedTuple):
    """Any other chunk: 0 is not in use, else log2 of the bytes of the large object that starts here."""

    value: int


ChunkState = SuperslabState | MediumState | OtherState


class RemoteBytes(NamedTuple):
    """Bytes that an allocator freed remotely, and how many of them its last post had covered."""

    freed: int
    posted: int


@dataclass(frozen=True)
class Trace:
    """One file: the calls, and the final state by chunk and by allocator."""

    name: str
    numbers: list[int]
    calls: list[Malloc | Free]
    chunks: dict[int, ChunkState]
    remote: list[RemoteBytes]


def read_trace(name: str) -> Trace:
    """Read one file of tests/data."""
    with gzip.open(DATA / name, "rt", encoding="ascii") as lines:
        numbers = [int(word) for word in next(lines).split()[2:]]
        trace = Trace(name, numbers, [], {}, [])
        for line in lines:
            kind, *words = line.split()
            _READERS[kind](trace, words)
    return trace


def _malloc(trace: Trace, words: list[str]) -> None:
    allocator, size, obj, chunk = map(int, words[:4])
    trace.calls.append(Malloc(allocator, size, obj, chunk, int(words[4], 16)))


def _free(trace: Trace, words: list[str]) -> None:
    trace.calls.append(Free(*map(int, words)))


def _superslab(trace: Trace, words: list[str]) -> None:
    chunk, owner, used, head = map(int, words[:4])
    slabs = {}
    for word in words[4:]:
        index, fields = word.split(":")
        slabs[int(index)] = SlabState(*map(int, fields.split(",")))
    trace.chunks[chunk] = SuperslabState(trace.numbers[owner], used, head, slabs)


def _medium(trace: Trace, words: list[str]) -> None:
    chunk, owner, *rest = map(int, words)
    trace.chunks[chunk] = MediumState(trace.numbers[owner], *rest)


def _other(trace: Trace, words: list[str]) -> None:
    trace.chunks[int(words[0])] = OtherState(int(words[1]))


def _remote(trace: Trace, words: list[str]) -> None:
    trace.remote.append(RemoteBytes(int(words[1]), int(words[2])))


_READERS = {"m": _malloc, "f": _free, "s": _superslab, "d": _medium, "k": _other, "t": _remote}


@dataclass(frozen=True)
class Constants:
    """The derived constants of one of the paper's configurations."""

    superslab_header: int
    allocator_bits: int
    slab_bits: int
    superslab_bits: int
    num_small: int
    num_sizeclasses: int
    remote_cache: int
    remote_batch: int
    remote_slot_bits: int
    medium_header: int
    short_max_sizeclass: int
    sizes: list[int]
    slab_offset: list[int]
    short_slab_offset: list[int]
    medium_slots: list[int]
    size_to_sizeclass: list[tuple[int, int]]


def read_constants(name: str) -> Constants:
    """Read config-16mib.json or config-1mib.json."""
    with open(DATA / name, encoding="ascii") as file:
        return Constants(**json.load(file))


class Bytes:
    """A heap's bytes, and nothing of the library but the numbers needed to find one's way in them."""

    def __init__(self, heap: Heap) -> None:
        self.memory = heap.memory
        self.pagemap = heap.layout.pagemap
        self.slab_bits = heap.config.slab_bits
        self.slab_count_bits = heap.config.slab_count_bits
        self.chunk_bits = self.slab_bits + self.slab_count_bits
        self.allocator_bits = heap.config.allocator_bits

    def page_map_value(self, address: int) -> int:
        """The page map's byte for an address (§2.4)."""
        return self.memory.u8[self.pagemap + (address >> self.chunk_bits)]

    def read_chunk(self, chunk: int) -> ChunkState:
        """The state of the chunk that starts at an address."""
        kind = self.page_map_value(chunk)
        if kind == SUPERSLAB:
            return self._read_superslab(chunk)
        if kind == MEDIUM:
            return self._read_medium(chunk)
        return OtherState(kind)

    def free_slabs(self, superslab: int) -> list[int]:
        """A superslab's list of free full-length slabs, each by its index: ``next`` is relative, 0 ends it."""
        mask = (1 << self.slab_count_bits) - 1
        index, indices = self.memory.u8[superslab + 80] & mask, list[int]()
        while index and len(indices) <= mask:
            indices.append(index)
            index = (index + self.memory.u8[superslab + 88 + 8 * index + 7] + 1) & mask
        return indices

    def sizeclasses(self, superslab: int) -> list[int]:
        """The size class of every slab, as its word has it; of a free full-length one, 0."""
        return [self.memory.u8[superslab + 94 + 8 * index] for index in range(1 << self.slab_count_bits)]

    def medium_stack(self, slab: int, slots: int) -> list[int]:
        """The offsets of all objects of a medium slab as its stack has them, used up and free."""
        first = (slab + 84) >> 1
        return [self.memory.u16[first + slot] << 8 for slot in range(slots)]

    def _owner(self, chunk: int) -> int:
        return self.memory.u64[chunk >> 3] >> self.allocator_bits

    def _read_superslab(self, chunk: int) -> SuperslabState:
        count = 1 << self.slab_count_bits
        mask = (1 << self.slab_bits) - 1
        used = self.memory.u16[(chunk + 82) >> 1]
        head = self.memory.u8[chunk + 80] & (count - 1)
        slabs = {}
        for index in range(count):
            word = self.memory.u64[(chunk + 88 + 8 * index) >> 3]
            if word & 0xFFFF:
                fields = (word & 0xFFFF, word >> 16 & mask, word >> 32 & mask, word >> 48 & 0xFF)
                slabs[index] = SlabState(*fields)
        return SuperslabState(self._owner(chunk), used, head, slabs)

    def _read_medium(self, chunk: int) -> MediumState:
        free = self.memory.u16[(chunk + 80) >> 1]
        return MediumState(self._owner(chunk), free, self.memory.u8[chunk + 82], self.memory.u8[chunk + 83])


class Names:
    """Gives chunks the names 0, 1, 2, ... in order of first appearance."""

    def __init__(self) -> None:
        self.by_chunk: dict[int, int] = {}

    def name(self, chunk: int) -> int:
        """The name of a chunk, a new one when it was not seen before."""
        return self.by_chunk.setdefault(chunk, len(self.by_chunk))

    def items(self) -> ItemsView[int, int]:
        """Pairs of chunk and name."""
        return self.by_chunk.items()
