"""The platform: address space, and giving pages back to the operating system (§2.9).

    reserve(bytes)             address space, no memory behind it until it is touched; reads as zero
    decommit(start, length)    give the pages back; they read as zero afterwards

Where there is ``mmap``, the space is one anonymous private mapping: tens of GiB
of it cost nothing, since the system puts a page behind an address when it is
first touched, and ``madvise(DONTNEED)`` takes it away again. Windows has no
overcommitted mappings and CPython no ``madvise`` there; where ``mmap`` is
missing (Pyodide), plain bytes serve. There decommitting only zeroes, so a heap
behaves the same everywhere, and ``gives_back`` says whether memory really goes.

Left out: protecting reserved pages against access, which Python cannot do.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from .errors import HeapExhausted

if TYPE_CHECKING:
    from collections.abc import Iterator

HAVE_MMAP = True
try:
    import mmap
except ImportError:  # Pyodide, some sandboxes
    HAVE_MMAP = False

__all__ = ["AddressSpace", "default_reserve", "space_is_free"]

GIB = 1 << 30
ZEROES = bytes(1 << 16)
LINUX_MAP_NORESERVE = 0x4000  # in the mmap module from 3.13 on only


def space_is_free() -> bool:
    """Tell whether bytes that are reserved and never touched cost nothing, or next to nothing.

    They cost on 32-bit systems, which have 4 GiB in all, and where plain bytes stand in for a mapping. In a
    browser they are memory at once: WebAssembly has 32 bits, and its mappings are filled with zeroes when made.
    """
    return HAVE_MMAP and sys.maxsize > 1 << 32


def default_reserve() -> int:
    """Return how many bytes of address space a heap reserves at most, where nothing else is said.

    64 GiB where address space is free (64-bit Linux, macOS, BSD); 1 GiB on Windows, which counts it
    against the page file; 256 MiB where it is scarce, of which the paper's allocators may take half.
    """
    if not space_is_free():
        return 256 << 20
    return 64 * GIB if sys.platform != "win32" else GIB


class AddressSpace:
    """A run of reserved address space (§2.9).

    Shared by all threads; ``decommit`` may be called by whoever owns the range, and touches no other.

    Args:
        size: bytes to reserve.

    Raises:
        HeapExhausted: when the operating system refuses.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.buffer = _reserve(size)
        self.granule = mmap.PAGESIZE if HAVE_MMAP else 1
        # Elsewhere DONTNEED is a hint, and the pages may keep their contents.
        self.gives_back = sys.platform == "linux" and self.kind == "mmap"
        self._set_apart()

    def _set_apart(self) -> None:
        """Keep Linux from merging this mapping with a neighbour, so that ``resident`` counts it alone.

        Mappings of different advice stay apart, and the pages at its ends get one that the rest has not.
        """
        if self.gives_back and not isinstance(self.buffer, bytearray) and self.size > 2 * self.granule:
            last = (self.size - 1) // self.granule * self.granule
            for page in (0, last):
                self.buffer.madvise(mmap.MADV_DONTDUMP, page, self.granule)

    @property
    def kind(self) -> str:
        """What the space is made of: ``mmap`` or ``bytes``."""
        return "bytes" if isinstance(self.buffer, bytearray) else "mmap"

    def decommit(self, start: int, length: int) -> None:
        """Give back the pages of a range; it reads as zero afterwards (§2.9).

        Whole pages of the operating system go with one system call; what is left at the edges (where
        the heap's page is smaller than the system's) is zeroed by hand.
        """
        end = start + length
        first = -(-start // self.granule) * self.granule
        last = end // self.granule * self.granule
        if isinstance(self.buffer, bytearray) or not self.gives_back or first >= last:
            self.zero(start, end)
            return
        self.zero(start, first)
        self.buffer.madvise(mmap.MADV_DONTNEED, first, last - first)
        self.zero(last, end)

    def zero(self, start: int, end: int) -> None:
        """Store zeroes in a range, a block at a time so that no large object is made."""
        for at in range(start, end, len(ZEROES)):
            stop = min(at + len(ZEROES), end)
            self.buffer[at:stop] = ZEROES[: stop - at]

    def resident(self, address: int) -> int | None:
        """Return the bytes of the space that are in physical memory, or None where it cannot be told.

        Args:
            address: the space's address in the process, see ``Memory.base``.
        """
        if self.kind == "bytes":
            return None
        try:
            return sum(_resident_parts(address, address + self.size))
        except OSError:
            return None

    def close(self) -> None:
        """Give the memory back; the address space goes when the last view of it does.

        It is not unmapped before: whoever still held a view would read where nothing is.
        """
        if self.gives_back:
            self.decommit(0, self.size)


def _reserve(size: int) -> mmap.mmap | bytearray:
    """Reserve address space without committing it.

    A heap that nobody holds any more is garbage with cycles, and goes when the collector comes by. Where space is
    scarce it may be what is missing, so the collector is sent before giving up.
    """
    try:
        return _asked(size)
    except (OSError, MemoryError, OverflowError):
        gc.collect()
    try:
        return _asked(size)
    except (OSError, MemoryError, OverflowError) as refused:
        raise HeapExhausted(size, 0, 0) from refused


def _asked(size: int) -> mmap.mmap | bytearray:
    """Ask the system once."""
    return mmap.mmap(-1, size, **_flags()) if HAVE_MMAP else bytearray(size)


def _flags() -> dict[str, int]:
    """Ask for a private mapping, and on Linux not to reserve swap for it; Windows knows no flags."""
    if sys.platform == "win32":
        return {}
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return {"flags": flags | LINUX_MAP_NORESERVE if sys.platform == "linux" else flags}


def _resident_parts(start: int, end: int) -> Iterator[int]:
    """Resident bytes of each of Linux's mappings inside a range of the process's addresses."""
    inside = False
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as lines:
        for line in lines:
            first = line.split(" ", 1)[0]
            if not first.endswith(":"):
                low, high = (int(part, 16) for part in first.split("-"))
                inside = start <= low and high <= end  # a page at our ends may be a neighbour's as well
            elif inside and first == "Rss:":
                yield int(line.split()[1]) << 10
