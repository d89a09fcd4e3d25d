"""Pictures: what a heap looks like, as text and as SVG, from its bytes (§2.2 to §2.8).

    print(heap.picture.map())              every chunk
    heap.picture.slab(p)                   drawn, if it ends a notebook's cell

          bytes ─► survey ─► HeapMap, PageMapPicture          chunks
                             SuperslabPicture, SlabPicture    small objects
                             MediumPicture
                             QueuePicture, BucketsPicture     messages
                             HexPicture                       any bytes, with names

Each picture is a frozen record with ``facts``, ``text(width)`` and ``svg()``. It is taken at one
moment, while no thread is in a call. Read ``picture`` first, then ``slab``. Left out: what
programs write into their objects.

Imported by: heap, and the rooms above it.

    signs, svg, text, picture, chunks, superslab, slab, medium, queue, buckets, hexdump
"""

from __future__ import annotations

from collections.abc import Iterable

from ..allocator import Allocator, Shared
from ..errors import InvalidPointer
from ..inspection.statistics import chunk_map
from ..inspection.survey import Survey
from ..memory import BUMP
from ..pagemap import JUMP, MEDIUM, SUPERSLAB
from .buckets import BucketsPicture
from .chunks import HeapMap, PageMapPicture
from .hexdump import HexPicture
from .medium import MediumPicture
from .picture import Picture, changes
from .queue import QueuePicture
from .slab import SlabPicture
from .superslab import SuperslabPicture
from .svg import STYLE

__all__ = [
    "STYLE",
    "BucketsPicture",
    "HeapMap",
    "HexPicture",
    "MediumPicture",
    "PageMapPicture",
    "Picture",
    "Pictures",
    "QueuePicture",
    "SlabPicture",
    "SuperslabPicture",
    "changes",
]


class Pictures:
    """Takes pictures of one heap. Get it as ``heap.picture``."""

    def __init__(self, shared: Shared, allocators: Iterable[Allocator]) -> None:
        self._shared = shared
        self._survey = Survey(shared, allocators)

    def map(self) -> HeapMap:
        """Picture every chunk that was ever handed out (§2.5)."""
        entries = tuple(chunk_map(self._shared))
        return HeapMap(self._shared.config.chunk_size, self._shared.memory.u64[BUMP >> 3], entries)

    def pagemap(self, address: int | None = None) -> PageMapPicture:
        """Picture the page map's bytes and, given an address, how its object's start is found (§2.4)."""
        return PageMapPicture.of(self._survey, address)

    def superslab(self, address: int) -> SuperslabPicture:
        """Picture the superslab around an address (§2.8).

        Raises:
            InvalidPointer: if no superslab contains the address.
        """
        return SuperslabPicture.of(self._survey, self._chunk(address, SUPERSLAB, "superslab"))

    def slab(self, address: int) -> SlabPicture:
        """Picture the slab around an address (§2.8). Raises as ``superslab`` does."""
        self._chunk(address, SUPERSLAB, "slab")
        return SlabPicture.of(self._survey, self._survey.metaslab.slab_of(address))

    def medium(self, address: int) -> MediumPicture:
        """Picture the medium slab around an address (§2.7). Raises as ``superslab`` does."""
        return MediumPicture.of(self._survey, self._chunk(address, MEDIUM, "medium slab"))

    def around(self, address: int) -> Picture:
        """Picture what contains an address: its slab, its medium slab, or else the page map."""
        kind = self._survey.pagemap.get(address)
        if kind == SUPERSLAB:
            return self.slab(address)
        return self.medium(address) if kind == MEDIUM else self.pagemap(address if kind >= JUMP else None)

    def queue(self, allocator: Allocator | int, sent: Iterable[int] = ()) -> QueuePicture:
        """Picture an allocator's queue (§2.2). ``sent`` are the first messages of lists that may not be linked yet."""
        return QueuePicture.of(self._survey, self._allocator(allocator), sent)

    def buckets(self, allocator: Allocator | int, round: int = 0) -> BucketsPicture:
        """Picture an allocator's remote cache, with the home bucket of the given round (§2.2)."""
        return BucketsPicture.of(self._survey, self._allocator(allocator), round)

    def bytes(self, start: int, length: int = 128) -> HexPicture:
        """Picture up to 1024 bytes, with every field named.

        Raises:
            InvalidPointer: if some of the bytes are outside the heap.
        """
        if not 0 <= start < start + length <= self._survey.layout.end:
            raise InvalidPointer(
                f"bytes({start:#x}, {length}): the heap ranges from 0 to {self._survey.layout.end:#x}; "
                "pass a range inside it (§2.9)"
            )
        return HexPicture.of(self._survey, start, length)

    def _chunk(self, address: int, kind: int, name: str) -> int:
        """Return the chunk around an address, which must be of the given kind."""
        found = self._survey.pagemap.get(address)
        if found != kind:
            raise InvalidPointer(
                f"there is no {name} around {address:#x}: the page map says {found} for its chunk, not {kind}; "
                "use picture.around(), which finds out what is there (§2.4)"
            )
        return address & ~(self._survey.config.chunk_size - 1)

    def _allocator(self, allocator: Allocator | int) -> Allocator:
        """Return the allocator with a number."""
        if isinstance(allocator, Allocator):
            return allocator
        address = allocator << self._survey.config.allocator_bits
        if address not in self._survey.known:
            numbers = ", ".join(str(each.number) for each in self._survey.known.values())
            raise ValueError(f"there is no allocator {allocator} in this heap; it has {numbers or 'no allocator yet'}")
        return self._survey.known[address]
